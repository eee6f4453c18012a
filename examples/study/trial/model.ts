import { readFileSync } from 'node:fs';
import { quantizeModel } from '@qgen/lsq';
import {
  deit,
  loadPyTorchWeights,
  mobileNetV1,
  mobileNetV2,
  networkInNetwork,
  readSafetensors,
  resnet18,
  resnet50,
  swin,
  vgg19,
} from '@qgen/models';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { UsageError } from '../../shared/usage-error';
import { inputShape as inputShapeOf, type StudyData } from '../data/examples';
import type { ModelName, Setting, Trial } from '../plan/setting';
import { FLOAT } from '../plan/setting';

/** The last layer of each architecture, which starts anew where a checkpoint knows other classes. */
const HEADS: Readonly<Record<ModelName, string>> = {
  networkInNetwork: 'conv_out',
  resnet18: 'fc',
  resnet50: 'fc',
  mobileNetV1: 'classifier',
  mobileNetV2: 'classifier*',
  vgg19: 'classifier*',
  deit: 'head',
  swin: 'head*',
};

/**
 * The network before training: the same float weights at every precision, fresh ones of the seed or those of a checkpoint.
 * All layers are quantized alike, with steps trained and started as in the LSQ paper, as QGen does.
 */
export async function initialModel(
  { setting, seed, bits }: Trial,
  data: StudyData,
  weights: string | null,
): Promise<LayersModel> {
  const float = build(setting, data, seed);
  if (weights !== null) loadWeights(float, weights, setting.model);
  if (bits === FLOAT) return float;
  const quantized = await quantizeModel(float, { bits, firstLast: 'same', init: 'lsq', stepScale: 'absolute' });
  float.dispose();
  return quantized;
}

function build({ model, width, depth }: Setting, data: StudyData, seed: number): LayersModel {
  const { classes, normalization } = data;
  const inputShape = inputShapeOf(data);
  const common = { inputShape, classes, seed };
  const stem = inputShape[0] < 64 ? 'cifar' : 'imagenet';
  const optional = <Name extends string>(name: Name, value: number | null) =>
    (value === null ? {} : { [name]: value }) as { readonly [K in Name]?: number };
  switch (model) {
    case 'networkInNetwork':
      return networkInNetwork({
        ...common,
        ...optional('width', width),
        ...optional('depth', depth),
        rescale: normalization === null,
      });
    case 'resnet18':
      return resnet18({ ...common, stem, ...optional('width', width) });
    case 'resnet50':
      return resnet50({ ...common, stem, ...optional('width', width) });
    case 'mobileNetV1':
      return mobileNetV1({ ...common, stem, ...optional('multiplier', width) });
    case 'mobileNetV2':
      return mobileNetV2({ ...common, stem, ...optional('multiplier', width), dropout: 0 });
    case 'vgg19':
      return vgg19({ ...common, head: stem, ...optional('width', width), dropout: 0 });
    case 'deit':
      return deit({
        ...common,
        patch: stem === 'cifar' ? 4 : 16,
        ...optional('embed', width),
        ...optional('depth', depth),
      });
    case 'swin':
      return swin({ ...common, ...(stem === 'cifar' && { patch: 2, window: 4 }), ...optional('embed', width) });
  }
}

function loadWeights(model: LayersModel, path: string, name: ModelName): void {
  let tensors: ReturnType<typeof readSafetensors>;
  try {
    tensors = readSafetensors(readFileSync(path));
  } catch (error) {
    throw new UsageError(`--weights: ${path} is no .safetensors file (${(error as Error).message.split('\n')[0]})`);
  }
  try {
    loadPyTorchWeights(model, tensors);
  } catch {
    try {
      loadPyTorchWeights(model, tensors, { skip: [`${HEADS[name]}.*`] });
    } catch (error) {
      throw new UsageError(
        `--weights: ${path} does not fit ${name} (${(error as Error).message.replaceAll('\n', '; ')})`,
      );
    }
  }
}
