import { quantizeModel } from '@qgen/lsq';
import {
  deit,
  efficientNetLite0,
  mobileNetV1,
  mobileNetV2,
  networkInNetwork,
  resnet18,
  resnet50,
  swin,
  vgg19,
} from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

const tiny = { inputShape: [8, 8, 3], classes: 10, seed: 1 } as const;

const architectures: Readonly<Record<string, () => LayersModel>> = {
  resnet18: () => resnet18({ ...tiny, stem: 'cifar', width: 4 }),
  resnet50: () => resnet50({ ...tiny, inputShape: [16, 16, 3], stem: 'cifar', width: 4 }),
  mobileNetV1: () => mobileNetV1({ ...tiny, inputShape: [32, 32, 3], stem: 'cifar', multiplier: 0.1 }),
  mobileNetV2: () => mobileNetV2({ ...tiny, inputShape: [16, 16, 3], stem: 'cifar', multiplier: 0.25 }),
  vgg19: () => vgg19({ ...tiny, inputShape: [224, 224, 3], head: 'imagenet', width: 1, hidden: 4 }),
  deit: () => deit({ ...tiny, patch: 4, embed: 12, depth: 2, heads: 2 }),
  swin: () => swin({ ...tiny, inputShape: [12, 12, 3], patch: 2, embed: 12, depths: [2, 2], heads: [2, 4], window: 4 }),
  networkInNetwork: () => networkInNetwork({ ...tiny, width: 1, depth: 2, rescale: true }),
  efficientNetLite0: () => efficientNetLite0({ ...tiny, inputShape: [32, 32, 3] }),
};

/** Multiples of 1/64 from 1/64 to 1, from a linear congruential generator: the same float32 numbers everywhere. */
function exactWeights(model: LayersModel): void {
  let state = 1;
  const next = () => {
    state = (state * 1103 + 12345) % 65536;
    return ((state >> 4) % 64) / 64 + 1 / 64;
  };
  const weights = model
    .getWeights()
    .map(({ shape, size }) => tf.tensor(Float32Array.from({ length: size }, next), shape));
  model.setWeights(weights);
  tf.dispose(weights);
}

/** Models whose files are the same on every machine: exact weights, and steps that are powers of two. */
export const goldenModels: Readonly<Record<string, () => Promise<LayersModel>>> = Object.fromEntries(
  Object.entries(architectures).flatMap(([name, build]) =>
    [32, 8, 4, 2].map((bits) => [
      bits === 32 ? `${name} in float` : `${name}, weights of ${bits} bits and activations of ${bits === 4 ? 4 : 8}`,
      async () => {
        const float = build();
        exactWeights(float);
        if (bits === 32) return float;
        const activations = { bits: bits === 4 ? 4 : 8, init: 2 ** -4 };
        const perChannel = bits === 8;
        const quantized = await quantizeModel(float, {
          bits,
          activations,
          perChannel,
          init: 2 ** -3,
          firstLast: 'same',
        });
        float.dispose();
        return quantized;
      },
    ]),
  ),
);
