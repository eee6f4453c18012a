import {
  deit,
  mobileNetV1,
  mobileNetV2,
  networkInNetwork,
  resnet18,
  resnet50,
  swin,
  vgg19,
  type WeightTensor,
} from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { filled, filledImages } from './filler';

/** The kept part of a tensor: `values[i]` is element `at[i]`; see the README beside the goldens. */
export interface Sample {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly rms: number;
  readonly maxAbs: number;
  readonly at: readonly number[];
  readonly values: readonly number[];
  /** How far PyTorch is off in float32, over rms. */
  readonly float32: number;
}

export interface GoldenMode {
  readonly logits: readonly (readonly number[])[];
  readonly loss: number;
  readonly activations: Readonly<Record<string, Sample>>;
  readonly gradients: Readonly<Record<string, Sample>>;
  readonly runningStatistics?: Readonly<Record<string, Sample>>;
}

const builders = { resnet18, resnet50, mobileNetV1, mobileNetV2, vgg19, deit, swin, networkInNetwork };

export interface GoldenModel {
  readonly name: string;
  readonly family: keyof typeof builders;
  readonly options: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** [N, C, H, W] */
  readonly inputShape: readonly [number, number, number, number];
  readonly labels: readonly number[];
  readonly parameterCount: number;
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly eval: GoldenMode;
  readonly train?: GoldenMode;
}

/** Quick ones first. */
export const GOLDEN_NAMES = [
  'nin',
  'deit-tiny-cut',
  'swin-tiny-cut',
  'swin-timm-names',
  'swin-padded',
  'mobilenet-v1',
  'swin-small-map',
  'mobilenet-v2',
  'mobilenet-v2-cifar',
  'resnet18-cifar',
  'resnet50-cifar',
  'vgg19-cifar',
  'resnet50-imagenet',
  'resnet18-imagenet',
  'vgg19-imagenet',
  'deit-tiny-224',
  'mobilenet-v1-224',
  'mobilenet-v2-224',
  'resnet18-224',
  'resnet50-224',
  'swin-tiny-224',
] as const;

/** The model of a golden, with the weights of the builder, and without dropout. */
export function goldenModel({ family, options, inputShape }: GoldenModel): LayersModel {
  const [, channels, height, width] = inputShape;
  const { imageSize: _size, stemStride, names: _names, ...own } = options;
  const stem = stemStride === undefined ? {} : { stem: stemStride === 1 ? 'cifar' : 'imagenet' };
  const dropout = family === 'mobileNetV2' || family === 'vgg19' ? { dropout: 0 } : {};
  const build = builders[family] as (options: object) => LayersModel;
  return build({ ...own, ...stem, ...dropout, inputShape: [height, width, channels] });
}

/** The state dict of a golden, made anew. */
export function goldenWeights({ seed, parameters }: GoldenModel): Map<string, WeightTensor> {
  const entries = Object.entries(parameters);
  return new Map(entries.map(([name, shape]) => [name, { shape, values: () => filled(seed, name, shape) }]));
}

/** The images of a golden, [N, H, W, C]. */
export function goldenImages({ seed, inputShape }: GoldenModel): tf.Tensor4D {
  return tf.tidy(() => tf.transpose(tf.tensor4d(filledImages(seed, inputShape), [...inputShape]), [0, 2, 3, 1]));
}
