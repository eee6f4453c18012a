import type * as tf from '@tensorflow/tfjs-core';

/** A gradient that leaves some cases to the one that tfjs registered. */
export interface GradientWrapper {
  readonly kernelName: string;
  readonly wrap: (stock: tf.GradConfig) => tf.GradConfig;
}

/** A gradient function by its body: from the gradients `dy` of the outputs and what was saved, those of the inputs by name. */
export function gradientOf<
  Dy extends tf.Tensor | tf.Tensor[],
  Saved extends readonly (tf.Tensor | undefined)[],
  Attributes,
>(body: (dy: Dy, saved: Saved, attributes: Attributes) => Readonly<Record<string, () => tf.Tensor>>): tf.GradFunc {
  return (dy, saved, attrs) => body(dy as Dy, saved as unknown as Saved, attrs as unknown as Attributes);
}
