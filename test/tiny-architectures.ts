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
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Where few of the classes occur, that is learned at once: in such small networks the rest is chaos. */
export const CLASSES = 20;
/** The options that they share. */
export const tiny = { inputShape: [8, 8, 3], classes: CLASSES, seed: 1 } as const;

/** Every architecture of @qgen/models, so small that a step takes milliseconds on wasm. */
export const tinyArchitectures: Readonly<Record<string, () => LayersModel>> = {
  resnet18: () => resnet18({ ...tiny, stem: 'cifar', width: 4 }),
  resnet50: () => resnet50({ ...tiny, inputShape: [16, 16, 3], stem: 'cifar', width: 4 }),
  mobileNetV1: () => mobileNetV1({ ...tiny, inputShape: [32, 32, 3], stem: 'cifar', multiplier: 0.1 }),
  mobileNetV2: () => mobileNetV2({ ...tiny, inputShape: [16, 16, 3], stem: 'cifar', multiplier: 0.25, dropout: 0 }),
  vgg19: () => vgg19({ ...tiny, inputShape: [32, 32, 3], head: 'cifar', width: 2 }),
  deit: () => deit({ ...tiny, patch: 4, embed: 12, depth: 2, heads: 2 }),
  swin: () => swin({ ...tiny, inputShape: [12, 12, 3], patch: 2, embed: 12, depths: [2, 2], heads: [2, 4], window: 2 }),
  networkInNetwork: () => networkInNetwork({ ...tiny, width: 1, depth: 2 }),
  efficientNetLite0: () => efficientNetLite0({ ...tiny, inputShape: [64, 64, 3] }),
};
