import { requireKnownOptions } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { FORMATS } from './float-formats';
import { matchesGlob } from './glob';
import { knownNames, type Rename } from './known-names';
import { type Part, type StateEntry, stateDict } from './state-dict';
import { transposed } from './transposed';
import { valuesOf, type WeightTensor } from './write-safetensors';

export interface LoadOptions {
  /**
   * Whose names the tensors have: 'torchvision' for those of our layers, 'timm' to have timm's Swin renamed, or a function
   * that gives our name for theirs, say `(key) => key.replace(/^model\./, '')`. Default: recognized.
   */
  readonly names?: 'torchvision' | 'timm' | ((key: string) => string);
  /** Whether a missing or an unexpected tensor is an error. Default true. */
  readonly strict?: boolean;
  /** Our names, or globs of them, of tensors that are left out on both sides: `['fc.*']` for a head of other classes. */
  readonly skip?: readonly string[];
}

/** Counters and tables that PyTorch keeps beside the weights, and that a model here computes itself. */
const DERIVED = /(^|\.)(num_batches_tracked|relative_position_index|attn_mask)$/;

/**
 * Gives a model the weights and running statistics of a PyTorch state dict: those of torchvision for ResNets, MobileNetV2,
 * VGG and Swin, of timm for MobileNetV1, DeiT, Swin (both its names and the original ones) and EfficientNet-Lite0. Any
 * other model does as well whose layers are called like PyTorch's modules.
 *
 * Everything is checked before anything is written: after an error the model is as it was.
 *
 * @param tensors by PyTorch's names, in PyTorch's layouts; what `readSafetensors` and `pyTorchWeights` give
 * @returns `unused`: the names in `tensors` of those that the model did not take, with `skip` or without `strict`
 * @throws RangeError that lists every missing, unexpected and misshapen tensor; or if a layer has a weight that PyTorch has
 *   no place for, as quantized layers do. TypeError if an argument is none of its kind
 */
export function loadPyTorchWeights(
  model: LayersModel,
  tensors: ReadonlyMap<string, WeightTensor>,
  options: LoadOptions = {},
): { unused: string[] } {
  requireKnownOptions('loadPyTorchWeights', options, ['names', 'strict', 'skip']);
  if (typeof tensors?.get !== 'function')
    throw new TypeError(
      `loadPyTorchWeights: tensors must be a Map of names to { shape, values }, got ${typeof tensors}`,
    );
  const { strict = true, skip = [] } = options;
  const wanted = stateDict('loadPyTorchWeights', model);
  const rename = renaming(options.names, tensors, wanted);
  const isSkipped = (key: string) => skip.some((glob) => matchesGlob(glob, key));

  const faults = { missing: [] as string[], unexpected: [] as string[], wrong: [] as string[] };
  const unused: string[] = [];
  const given = new Map<string, WeightTensor>();
  for (const [theirs, tensor] of tensors) {
    const key = rename(theirs);
    if (DERIVED.test(key)) continue;
    const shown = key === theirs ? key : `${theirs} (here ${key})`;
    if (given.has(key)) faults.wrong.push(`${shown} is there twice`);
    else if (!isSkipped(key) && wanted.has(key)) {
      given.set(key, tensor);
      const fault = misfit(tensor, wanted.get(key)!);
      if (fault) faults.wrong.push(`${shown} ${fault}`);
    } else {
      unused.push(theirs);
      if (!isSkipped(key)) faults.unexpected.push(shown);
    }
  }
  for (const key of wanted.keys()) if (!given.has(key) && !isSkipped(key)) faults.missing.push(key);
  requireNone(model, strict ? faults : { ...faults, missing: [], unexpected: [] });
  write(given, wanted);
  return { unused };
}

function renaming(
  names: LoadOptions['names'],
  tensors: ReadonlyMap<string, WeightTensor>,
  wanted: ReadonlyMap<string, StateEntry>,
): Rename {
  if (typeof names === 'function') return names;
  if (names === 'torchvision') return (key) => key;
  if (names === undefined || names === 'timm') return knownNames(new Set(tensors.keys()), new Set(wanted.keys()));
  throw new RangeError(`loadPyTorchWeights: names must be 'torchvision', 'timm' or a function, got ${names}`);
}

const listed = (shape: readonly number[]) => `[${shape.join(', ')}]`;

/** The fault of a tensor that is to fill an entry, if any; its values are not read. */
function misfit(tensor: WeightTensor & { readonly dtype?: string }, { shape }: StateEntry): string | undefined {
  if (!Array.isArray(tensor?.shape)) return 'is no { shape, values }';
  if (listed(tensor.shape) !== listed(shape)) return `is ${listed(tensor.shape)}, the model takes ${listed(shape)}`;
  if (tensor.dtype !== undefined && !FORMATS[tensor.dtype]?.decode) return `is ${tensor.dtype}, which is no float`;
  return undefined;
}

function requireNone(model: LayersModel, faults: Readonly<Record<'missing' | 'unexpected' | 'wrong', string[]>>): void {
  const lines = Object.entries(faults)
    .filter(([, keys]) => keys.length > 0)
    .map(([kind, keys]) => `\n  ${kind} (${keys.length}): ${keys.join(', ')}`);
  if (lines.length > 0)
    throw new RangeError(
      `loadPyTorchWeights: the tensors are not those of model ${model.name}, and none was loaded; skip leaves out what is to stay, names renames, strict: false allows missing and unexpected ones${lines.join('')}`,
    );
}

/** Makes every tensor first, so that a failure leaves the model as it was. */
function write(given: ReadonlyMap<string, WeightTensor>, wanted: ReadonlyMap<string, StateEntry>): void {
  tf.tidy(() => {
    const made: [LayerVariable, tf.Tensor][] = [];
    for (const [key, tensor] of given) {
      const { shape, parts } = wanted.get(key)!;
      const values = valuesOf(tensor);
      if (!(values instanceof Float32Array) || values.length !== tf.util.sizeFromShape([...shape]))
        throw new RangeError(
          `loadPyTorchWeights: ${key} of shape ${listed(shape)} needs a Float32Array of as many values, got ${values?.length}; none was loaded`,
        );
      for (const part of parts) made.push([part.weight, inOurLayout(values, part)]);
    }
    for (const [weight, value] of made) weight.write(value);
  });
}

function inOurLayout(values: Float32Array, { weight, offset, view, axes }: Part): tf.Tensor {
  const part = values.subarray(offset, offset + tf.util.sizeFromShape([...view]));
  return tf.tensor(transposed(part, view, axes), weight.shape as number[], 'float32');
}
