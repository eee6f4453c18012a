import { requireKnownOptions, requireOneOf, requirePositive } from '@qgen/core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { activation } from '../blocks/activation';
import { convolution, depthwiseConvolution } from '../blocks/convolution';
import { dense } from '../blocks/dense';
import { requireRate } from '../blocks/drop-path';
import { batchNorm } from '../blocks/normalization';
import { through } from '../blocks/through';
import { type Draws, draws } from '../initializers/draws';
import { roundChannels } from './channels';
import { MODEL_OPTIONS, type ModelOptions, requireImages } from './model-options';

export interface MobileNetV2Options extends ModelOptions {
  /** 'cifar' takes stride 1 in the first convolution and in the second stage. Default 'imagenet'. */
  readonly stem?: 'imagenet' | 'cifar';
  /** Multiplies the channels, which are rounded to multiples of 8. Default 1. */
  readonly multiplier?: number;
  /** Before the classifier. Default 0.2. */
  readonly dropout?: number;
}

/** Expansion, channels, blocks and the stride of the first block of each stage (Sandler et al. 2018, table 2). */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/**
 * MobileNet version 2 (Sandler et al. 2018) with the names and weights of torchvision's `mobilenet_v2`: [batch, height,
 * width, channels] to logits. 3,504,872 parameters for 1000 classes.
 *
 * The weights start as torchvision's: kernels normal with variance 2 / (k² outputs), depthwise ones 2 / (k² channels); the
 * classifier normal with standard deviation 0.01 and its bias 0. torchvision's checkpoints take images in 0..1 minus
 * [.485, .456, .406], divided by [.229, .224, .225].
 *
 * @throws RangeError if an option is unknown or doesn't fit
 */
export function mobileNetV2(options: MobileNetV2Options = {}): LayersModel {
  requireKnownOptions('mobileNetV2', options, [...MODEL_OPTIONS, 'stem', 'multiplier', 'dropout']);
  const { inputShape = [224, 224, 3], classes = 1000, stem = 'imagenet', multiplier = 1, dropout = 0.2 } = options;
  requireImages('mobileNetV2', inputShape, classes);
  requireOneOf('mobileNetV2', 'stem', stem, ['imagenet', 'cifar']);
  requirePositive('mobileNetV2', { multiplier });
  requireRate('mobileNetV2', 'dropout', dropout);
  const draw = draws('mobileNetV2', options.seed ?? 0);

  const images = input({ shape: [...inputShape], name: 'input' });
  const stemStride = stem === 'imagenet' ? 2 : 1;
  const stemFilters = roundChannels(32 * multiplier);
  let x = pointConvolution(images, 'features.0', stemFilters, draw, { kernelSize: 3, stride: stemStride });
  let index = 1;
  for (const [stage, [expansion, channels, blocks, firstStride]] of STAGES.entries())
    for (let block = 0; block < blocks; block++) {
      const stride = block > 0 || (stage === 1 && stem === 'cifar') ? 1 : firstStride;
      const filters = roundChannels(channels * multiplier);
      x = invertedResidual(x, `features.${index++}`, { expansion, filters, stride }, draw);
    }
  x = pointConvolution(x, `features.${index}`, roundChannels(1280 * Math.max(1, multiplier)), draw);
  x = through(layers.globalAveragePooling2d({ name: 'avgpool' }), x);
  x = through(layers.dropout({ name: 'classifier.0', rate: dropout }), x);
  x = dense(x, { name: 'classifier.1', units: classes, initializer: draw.normal(0.01) });
  return model({ inputs: images, outputs: x, name: options.name ?? 'mobileNetV2' });
}

const he = (draw: Draws, kernelSize: number, filters: number) =>
  draw.normal(Math.sqrt(2 / (kernelSize ** 2 * filters)));

/** NAME.0 convolution, NAME.1 batch normalization, NAME relu6. */
function pointConvolution(
  x: SymbolicTensor,
  name: string,
  filters: number,
  draw: Draws,
  { kernelSize = 1, stride = 1 }: { readonly kernelSize?: number; readonly stride?: number } = {},
): SymbolicTensor {
  const initializer = he(draw, kernelSize, filters);
  const y = convolution(x, { name: `${name}.0`, filters, kernelSize, stride, initializer });
  return activation(batchNorm(y, `${name}.1`), name, 'relu6');
}

/** Widened, filtered by channel, narrowed without activation; added to x where neither size nor channels change. */
function invertedResidual(
  x: SymbolicTensor,
  name: string,
  { expansion, filters, stride }: { readonly expansion: number; readonly filters: number; readonly stride: number },
  draw: Draws,
): SymbolicTensor {
  const channels = x.shape.at(-1)!;
  const wide = expansion * channels;
  let part = 0;
  let y = x;
  if (expansion !== 1) y = pointConvolution(y, `${name}.conv.${part++}`, wide, draw);
  const depthwise = `${name}.conv.${part++}`;
  y = depthwiseConvolution(y, { name: `${depthwise}.0`, kernelSize: 3, stride, initializer: he(draw, 3, wide) });
  y = activation(batchNorm(y, `${depthwise}.1`), depthwise, 'relu6');
  y = convolution(y, {
    name: `${name}.conv.${part++}`,
    filters,
    kernelSize: 1,
    initializer: he(draw, 1, filters),
  });
  y = batchNorm(y, `${name}.conv.${part}`);
  return stride === 1 && channels === filters ? through(layers.add({ name }), [y, x]) : y;
}
