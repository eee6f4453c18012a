import type * as tf from '@tensorflow/tfjs-core';

/** A kernel that leaves some cases to the one of the same name that the backend brings. */
export interface KernelWrapper {
  readonly kernelName: string;
  readonly backendName: string;
  readonly wrap: (stock: tf.KernelFunc) => tf.KernelFunc;
}
