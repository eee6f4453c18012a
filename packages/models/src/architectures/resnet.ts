import { requireCounts, requireKnownOptions, requireOneOf } from '@qgen/core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { activation } from '../blocks/activation';
import { type ConvolutionConfig, convolution } from '../blocks/convolution';
import { defaultDense } from '../blocks/dense';
import { batchNorm } from '../blocks/normalization';
import { through } from '../blocks/through';
import { type Draws, draws } from '../initializers/draws';
import { MODEL_OPTIONS, type ModelOptions, requireImages } from './model-options';

export interface ResNetOptions extends ModelOptions {
  /** 'imagenet': a 7×7 convolution of stride 2 and a max pooling; 'cifar': a 3×3 convolution. Default 'imagenet'. */
  readonly stem?: 'imagenet' | 'cifar';
  /** Channels of the first stage; each following one has twice as many. Default 64. */
  readonly width?: number;
}

/**
 * ResNet-18 (He et al. 2016, table 1) with the names and weights of torchvision's `resnet18`: [batch, height, width,
 * channels] to logits. 11,689,512 parameters for 1000 classes; 701,466 with the CIFAR stem, width 16 and 10 classes.
 *
 * The weights start as torchvision's: kernels normal with variance 2 / (k² outputs), `fc` uniform within ±1/√(inputs).
 * torchvision's checkpoints take images in 0..1 minus [.485, .456, .406], divided by [.229, .224, .225].
 *
 * @throws RangeError if an option is unknown or doesn't fit
 */
export function resnet18(options: ResNetOptions = {}): LayersModel {
  return resnet('resnet18', basicBlock, [2, 2, 2, 2], options);
}

/**
 * ResNet-50 with the stride in the 3×3 convolution of a block (version 1.5), as torchvision's `resnet50`. 25,557,032
 * parameters for 1000 classes. Otherwise as `resnet18`.
 *
 * @throws RangeError if an option is unknown or doesn't fit
 */
export function resnet50(options: ResNetOptions = {}): LayersModel {
  return resnet('resnet50', bottleneck, [3, 4, 6, 3], options);
}

/** The residual branch of a block, before the addition. */
type Branch = (x: SymbolicTensor, name: string, planes: number, stride: number, draw: Draws) => SymbolicTensor;

function resnet(builder: string, branch: Branch, depths: readonly number[], options: ResNetOptions): LayersModel {
  requireKnownOptions(builder, options, [...MODEL_OPTIONS, 'stem', 'width']);
  const { inputShape = [224, 224, 3], classes = 1000, stem = 'imagenet', width = 64, seed = 0 } = options;
  requireImages(builder, inputShape, classes);
  requireOneOf(builder, 'stem', stem, ['imagenet', 'cifar']);
  requireCounts(builder, { width });
  const draw = draws(builder, seed);

  const images = input({ shape: [...inputShape], name: 'input' });
  const [kernelSize, stride] = stem === 'imagenet' ? [7, 2] : [3, 1];
  let x = normedConvolution(images, 'conv1', 'bn1', { filters: width, kernelSize, stride }, draw);
  x = activation(x, 'relu', 'relu');
  if (stem === 'imagenet') {
    // Zeros stand for -∞: what is pooled is a ReLU's.
    x = through(layers.zeroPadding2d({ name: 'maxpool_pad', padding: 1 }), x);
    x = through(layers.maxPooling2d({ name: 'maxpool', poolSize: 3, strides: 2, padding: 'valid' }), x);
  }
  for (const [stage, depth] of depths.entries())
    for (let block = 0; block < depth; block++) {
      const name = `layer${stage + 1}.${block}`;
      x = residual(x, name, branch, width * 2 ** stage, stage > 0 && block === 0 ? 2 : 1, draw);
    }
  x = through(layers.globalAveragePooling2d({ name: 'avgpool' }), x);
  return model({ inputs: images, outputs: defaultDense(x, 'fc', classes, draw), name: options.name ?? builder });
}

/** relu(branch(x) + shortcut(x)); the shortcut is a 1×1 convolution where stride or channels change. */
function residual(
  x: SymbolicTensor,
  name: string,
  branch: Branch,
  planes: number,
  stride: number,
  draw: Draws,
): SymbolicTensor {
  const y = branch(x, name, planes, stride, draw);
  const filters = y.shape.at(-1)!;
  const shortcut =
    stride === 1 && x.shape.at(-1) === filters
      ? x
      : normedConvolution(x, `${name}.downsample.0`, `${name}.downsample.1`, { filters, kernelSize: 1, stride }, draw);
  return activation(through(layers.add({ name: `${name}.add` }), [y, shortcut]), name, 'relu');
}

/** 3×3 and 3×3. */
const basicBlock: Branch = (x, name, planes, stride, draw) => {
  const first = normedConvolution(x, `${name}.conv1`, `${name}.bn1`, { filters: planes, kernelSize: 3, stride }, draw);
  const active = activation(first, `${name}.bn1_relu`, 'relu');
  return normedConvolution(active, `${name}.conv2`, `${name}.bn2`, { filters: planes, kernelSize: 3 }, draw);
};

/** 1×1, 3×3 and 1×1 to four times the channels. */
const bottleneck: Branch = (x, name, planes, stride, draw) => {
  const reduced = normedConvolution(x, `${name}.conv1`, `${name}.bn1`, { filters: planes, kernelSize: 1 }, draw);
  const first = activation(reduced, `${name}.bn1_relu`, 'relu');
  const filtered = { filters: planes, kernelSize: 3, stride };
  const second = normedConvolution(first, `${name}.conv2`, `${name}.bn2`, filtered, draw);
  const active = activation(second, `${name}.bn2_relu`, 'relu');
  return normedConvolution(active, `${name}.conv3`, `${name}.bn3`, { filters: 4 * planes, kernelSize: 1 }, draw);
};

/** A convolution, its kernel He's by the outputs (kaiming_normal, fan_out), and its batch normalization. */
function normedConvolution(
  x: SymbolicTensor,
  name: string,
  norm: string,
  config: Omit<ConvolutionConfig, 'name' | 'initializer'> & { readonly filters: number },
  draw: Draws,
): SymbolicTensor {
  const initializer = draw.normal(Math.sqrt(2 / (config.kernelSize ** 2 * config.filters)));
  return batchNorm(convolution(x, { ...config, name, initializer }), norm);
}
