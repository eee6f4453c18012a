import * as tf from '@tensorflow/tfjs-core';
import type { OpenModel } from '../subject/open-model';

/** A displacement of the parameters of a subject, one tensor for each. */
export type Displacement = readonly tf.Tensor[];

/** Puts every parameter at its centre plus `Σ scales[k] displacements[k]`, computed from the centre each time. */
export function displace(subject: OpenModel, displacements: readonly Displacement[], scales: readonly number[]): void {
  for (const [i, { variable, centre }] of subject.parameters.entries())
    tf.tidy(() =>
      variable.assign(displacements.reduce((at: tf.Tensor, d, k) => tf.add(at, tf.mul(d[i], scales[k])), centre)),
    );
}

/** The Euclidean norm over all parameters: squares summed on the device for each tensor, then in float64. */
export async function normOf(displacement: Displacement): Promise<number> {
  const squares = tf.tidy(() => tf.stack(displacement.map((part) => tf.sum(tf.square(part)))));
  const values = await squares.data<'float32'>().finally(() => squares.dispose());
  return Math.sqrt(values.reduce((sum, value) => sum + value, 0));
}
