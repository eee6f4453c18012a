import type * as tf from '@tensorflow/tfjs-core';

/** A gradient that leaves some cases to the one that tfjs registered. */
export interface GradientWrapper {
  readonly kernelName: string;
  readonly wrap: (stock: tf.GradConfig) => tf.GradConfig;
}
