import * as tf from '@tensorflow/tfjs-core';

/** The values of a tensor at once, or null on webgpu: there they come with a promise, or slowly through a canvas. */
export function readNow(tensor: tf.Tensor): tf.TypedArray | null {
  return tf.getBackend() === 'webgpu' ? null : tensor.dataSync();
}
