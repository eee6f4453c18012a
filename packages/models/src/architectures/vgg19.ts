import { requireCounts, requireKnownOptions, requireOneOf } from '@qgen/core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { activation } from '../blocks/activation';
import { convolution } from '../blocks/convolution';
import { dense } from '../blocks/dense';
import { requireRate } from '../blocks/drop-path';
import { batchNorm } from '../blocks/normalization';
import { through } from '../blocks/through';
import { type Draws, draws } from '../initializers/draws';
import { AdaptiveAveragePooling } from '../layers/adaptive-average-pooling';
import { type ImageShape, MODEL_OPTIONS, type ModelOptions, requireImages } from './model-options';

export interface Vgg19Options extends ModelOptions {
  /**
   * 'imagenet': the 7×7 map through two hidden layers, for images of 224×224 and larger; 'cifar': its average through one
   * layer, for images of 32×32 and larger. Default 'imagenet'.
   */
  readonly head?: 'imagenet' | 'cifar';
  /** Channels of the first two convolutions. Default 64. */
  readonly width?: number;
  /** Units of the hidden layers of the ImageNet head. Default 4096. */
  readonly hidden?: number;
  /** After the hidden layers of the ImageNet head. Default 0.5. */
  readonly dropout?: number;
}

/** Convolutions and their channels, as multiples of the width; a max pooling ends each stage (Simonyan 2015, E). */
const STAGES = [
  [2, 1],
  [2, 2],
  [4, 4],
  [4, 8],
  [4, 8],
] as const;

/** Height and width of the map that the ImageNet head takes. */
const MAP = 7;

/**
 * VGG-19 with batch normalization (Simonyan and Zisserman 2015, configuration E) with the names and weights of
 * torchvision's `vgg19_bn`: [batch, height, width, channels] to logits. 143,678,248 parameters for 1000 classes.
 *
 * The weights start as torchvision's: kernels normal with variance 2 / (9 outputs), dense ones with standard deviation
 * 0.01, biases 0. torchvision's checkpoints take images in 0..1 minus [.485, .456, .406], divided by [.229, .224, .225].
 *
 * @throws RangeError if an option is unknown or doesn't fit, or the images are smaller than the head takes
 */
export function vgg19(options: Vgg19Options = {}): LayersModel {
  requireKnownOptions('vgg19', options, [...MODEL_OPTIONS, 'head', 'width', 'hidden', 'dropout']);
  const { inputShape = [224, 224, 3], classes = 1000, head = 'imagenet', width = 64, seed = 0 } = options;
  const { hidden = 4096, dropout = 0.5 } = options;
  requireImages('vgg19', inputShape, classes);
  requireOneOf('vgg19', 'head', head, ['imagenet', 'cifar']);
  requireCounts('vgg19', { width, hidden });
  requireRate('vgg19', 'dropout', dropout);
  requireSize(inputShape, head);
  const draw = draws('vgg19', seed);

  const images = input({ shape: [...inputShape], name: 'input' });
  let x: SymbolicTensor = images;
  let index = 0;
  const next = () => `features.${index++}`;
  for (const [convolutions, multiple] of STAGES) {
    const filters = multiple * width;
    for (let i = 0; i < convolutions; i++) {
      const initializer = draw.normal(Math.sqrt(2 / (9 * filters)));
      x = convolution(x, { name: next(), filters, kernelSize: 3, bias: true, initializer });
      x = activation(batchNorm(x, next()), next(), 'relu');
    }
    x = through(layers.maxPooling2d({ name: next(), poolSize: 2, strides: 2, padding: 'valid' }), x);
  }
  const outputs =
    head === 'imagenet' ? imagenetHead(x, { classes, hidden, dropout }, draw) : cifarHead(x, classes, draw);
  return model({ inputs: images, outputs, name: options.name ?? 'vgg19' });
}

function requireSize([height, width]: ImageShape, head: 'imagenet' | 'cifar'): void {
  const tooSmall = (least: number) => [height, width].some((size) => size !== null && size < least);
  if (head === 'cifar' && tooSmall(32))
    throw new RangeError(
      `vgg19: five poolings leave nothing of an image of ${height}×${width}; take images of 32×32 or larger`,
    );
  if (head === 'imagenet' && (height === null || width === null || tooSmall(32 * MAP)))
    throw new RangeError(
      `vgg19: the ImageNet head takes a map of 7×7, which an image of ${height ?? 'any'}×${width ?? 'any'} does not fill; take images of a fixed size of 224×224 or larger, or head: 'cifar'`,
    );
}

function imagenetHead(
  x: SymbolicTensor,
  { classes, hidden, dropout }: { readonly classes: number; readonly hidden: number; readonly dropout: number },
  draw: Draws,
): SymbolicTensor {
  const linear = (input: SymbolicTensor, name: string, units: number) =>
    dense(input, { name, units, initializer: draw.normal(0.01) });
  let y = x;
  if (y.shape[1] !== MAP || y.shape[2] !== MAP)
    y = through(new AdaptiveAveragePooling({ name: 'avgpool', size: MAP }), y);
  // PyTorch flattens channels first, so the rows of the next kernel are in that order.
  y = through(layers.permute({ name: 'flatten_channels_first', dims: [3, 1, 2] }), y);
  y = through(layers.flatten({ name: 'flatten' }), y);
  y = activation(linear(y, 'classifier.0', hidden), 'classifier.1', 'relu');
  y = through(layers.dropout({ name: 'classifier.2', rate: dropout }), y);
  y = activation(linear(y, 'classifier.3', hidden), 'classifier.4', 'relu');
  y = through(layers.dropout({ name: 'classifier.5', rate: dropout }), y);
  return linear(y, 'classifier.6', classes);
}

function cifarHead(x: SymbolicTensor, classes: number, draw: Draws): SymbolicTensor {
  const pooled = through(layers.globalAveragePooling2d({ name: 'avgpool' }), x);
  return dense(pooled, { name: 'classifier', units: classes, initializer: draw.normal(0.01) });
}
