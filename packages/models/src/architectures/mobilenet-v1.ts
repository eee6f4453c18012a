import { requireKnownOptions, requireOneOf, requirePositive } from '@qgen/core';
import { input, type LayersModel, layers, model } from '@tensorflow/tfjs-layers';
import { activation } from '../blocks/activation';
import { convolution, depthwiseConvolution } from '../blocks/convolution';
import { dense } from '../blocks/dense';
import { batchNorm } from '../blocks/normalization';
import { through } from '../blocks/through';
import { draws } from '../initializers/draws';
import { roundChannels } from './channels';
import { MODEL_OPTIONS, type ModelOptions, requireImages } from './model-options';

export interface MobileNetV1Options extends ModelOptions {
  /** The stride of the first convolution: 2 for 'imagenet', 1 for 'cifar'. Default 'imagenet'. */
  readonly stem?: 'imagenet' | 'cifar';
  /** Multiplies the channels, which are rounded to multiples of 8. Default 1. */
  readonly multiplier?: number;
}

/** Channels, blocks and the stride of the first block of each stage (Howard et al. 2017, table 1). */
const STAGES = [
  [64, 1, 1],
  [128, 2, 2],
  [256, 2, 2],
  [512, 6, 2],
  [1024, 2, 2],
] as const;

/**
 * MobileNet version 1 (Howard et al. 2017) with the names and weights of timm's `mobilenetv1_100`: [batch, height, width,
 * channels] to logits. 4,231,976 parameters for 1000 classes.
 *
 * The weights start as timm's: kernels normal with variance 2 / (k² outputs), depthwise ones 2 / k²; the classifier
 * uniform within ±1/√(classes) and its bias 0. timm's checkpoints take images in 0..1 minus .5, divided by .5.
 *
 * @throws RangeError if an option is unknown or doesn't fit
 */
export function mobileNetV1(options: MobileNetV1Options = {}): LayersModel {
  requireKnownOptions('mobileNetV1', options, [...MODEL_OPTIONS, 'stem', 'multiplier']);
  const { inputShape = [224, 224, 3], classes = 1000, stem = 'imagenet', multiplier = 1, seed = 0 } = options;
  requireImages('mobileNetV1', inputShape, classes);
  requireOneOf('mobileNetV1', 'stem', stem, ['imagenet', 'cifar']);
  requirePositive('mobileNetV1', { multiplier });
  const draw = draws('mobileNetV1', seed);
  const he = (kernelSize: number, filters: number) => draw.normal(Math.sqrt(2 / (kernelSize ** 2 * filters)));

  const images = input({ shape: [...inputShape], name: 'input' });
  let filters = roundChannels(32 * multiplier);
  const stride = stem === 'imagenet' ? 2 : 1;
  let x = convolution(images, { name: 'conv_stem', filters, kernelSize: 3, stride, initializer: he(3, filters) });
  x = activation(batchNorm(x, 'bn1'), 'bn1.act', 'relu6');
  for (const [stage, [channels, blocks, firstStride]] of STAGES.entries()) {
    filters = roundChannels(channels * multiplier);
    for (let block = 0; block < blocks; block++) {
      const name = `blocks.${stage}.${block}`;
      const depthwise = { kernelSize: 3, stride: block === 0 ? firstStride : 1, initializer: he(3, 1) };
      x = depthwiseConvolution(x, { ...depthwise, name: `${name}.conv_dw` });
      x = activation(batchNorm(x, `${name}.bn1`), `${name}.bn1.act`, 'relu6');
      x = convolution(x, { name: `${name}.conv_pw`, filters, kernelSize: 1, initializer: he(1, filters) });
      x = activation(batchNorm(x, `${name}.bn2`), name, 'relu6');
    }
  }
  x = through(layers.globalAveragePooling2d({ name: 'global_pool' }), x);
  x = dense(x, { name: 'classifier', units: classes, initializer: draw.uniform(1 / Math.sqrt(classes)) });
  return model({ inputs: images, outputs: x, name: options.name ?? 'mobileNetV1' });
}
