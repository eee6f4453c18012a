import * as tf from '@tensorflow/tfjs-core';

/** Whether the active backend has a kernel of this name. */
export function registered(kernelName: string): boolean {
  // Starts the backend where nothing has yet.
  tf.backend();
  return Boolean(tf.getKernel(kernelName, tf.getBackend()));
}
