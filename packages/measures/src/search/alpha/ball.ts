import * as tf from '@tensorflow/tfjs-core';
import type { Displacement } from '../../perturbation/displacement';
import type { OpenModel } from '../../subject/open-model';

/** How far each weight may move, as a function of one scale. */
export interface BallShape {
  /** |u_i| <= alpha, or a box that grows with |w_i|. */
  readonly magnitudeAware: boolean;
  readonly epsilon: number;
  /**
   * `'scaled'`: |u_i| <= alpha' (|w_i| + epsilon). `'additive'`, as in QGen: |u_i| <= alpha' |w_i| + epsilon, whose floor
   * does not shrink with alpha' and may alone cost more than the target.
   */
  readonly epsilonInBall: 'scaled' | 'additive';
}

/** The radius r of the box for each parameter, a scalar where it is the same everywhere. The caller disposes it. */
export function ballRadii(
  { parameters }: OpenModel,
  { magnitudeAware, epsilon, epsilonInBall, scale }: BallShape & { readonly scale: number },
): Displacement {
  return parameters.map(({ centre }) =>
    tf.tidy(() => {
      if (!magnitudeAware) return tf.scalar(scale);
      if (epsilonInBall === 'additive') return tf.add(tf.mul(tf.abs(centre), scale), epsilon);
      return tf.mul(tf.add(tf.abs(centre), epsilon), scale);
    }),
  );
}

/** The nearest point of the box: clip(u, -r, r). */
export function project(u: tf.Tensor, radius: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.maximum(tf.minimum(u, radius), tf.neg(radius)));
}

/** max |u_i| / r_i over all parameters: 1 where the ascent reached the edge of the box. */
export async function occupancy(u: Displacement, radii: Displacement): Promise<number> {
  const most = tf.tidy(() => tf.stack(u.map((part, i) => tf.max(tf.div(tf.abs(part), radii[i])))));
  const values = await most.data<'float32'>().finally(() => most.dispose());
  return values.reduce((largest, value) => Math.max(largest, value), 0);
}
