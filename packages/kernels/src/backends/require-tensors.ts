import { shown } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';

/** @throws TypeError that names the function and the first of `tensors` that is not a float32 tensor */
export function requireTensors(caller: string, tensors: Readonly<Record<string, unknown>>): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!(tensor instanceof tf.Tensor))
      throw new TypeError(`${caller}: ${name} must be a float32 tensor, got ${shown(tensor)}; make one with tf.tensor`);
    if (tensor.dtype !== 'float32')
      throw new TypeError(`${caller}: ${name} must be float32, got ${tensor.dtype}; tf.cast it to 'float32' first`);
  }
}
