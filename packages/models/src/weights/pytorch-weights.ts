import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type Part, stateDict } from './state-dict';
import { transposed } from './transposed';

/** Numbers with a shape, row by row. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/**
 * The weights and running statistics of a model as PyTorch's state dict, by PyTorch's names and in PyTorch's layouts, in the
 * order of the layers: the inverse of `loadPyTorchWeights`. `writeSafetensors` makes a file of it that PyTorch opens;
 * torchvision's Swin computes its `relative_position_index` itself, so it takes the file with `strict=False`.
 *
 * Reads from the backend synchronously, which webgpu can't outside of a browser.
 *
 * @throws RangeError if a layer has a weight that PyTorch has no place for, as quantized layers do; TypeError if `model` is
 *   no LayersModel
 */
export function pyTorchWeights(model: LayersModel): Map<string, HostTensor> {
  const found = new Map<string, HostTensor>();
  for (const [key, { shape, parts }] of stateDict('pyTorchWeights', model)) {
    const values = new Float32Array(tf.util.sizeFromShape([...shape]));
    for (const part of parts) values.set(inTheirLayout(part), part.offset);
    found.set(key, { shape, values });
  }
  return found;
}

function inTheirLayout({ weight, axes }: Part): Float32Array {
  const inverse: number[] = [];
  for (const [axis, of] of axes.entries()) inverse[of] = axis;
  return transposed(weight.read().dataSync<'float32'>(), weight.shape as number[], inverse);
}
