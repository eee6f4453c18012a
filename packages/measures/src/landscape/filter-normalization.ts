import * as tf from '@tensorflow/tfjs-core';
import type { Displacement } from '../perturbation/displacement';
import type { OpenModel, Parameter } from '../subject/open-model';

/**
 * How a random direction d is scaled to the weights w (Li et al. 2018, section 4).
 * `filter`: each filter `d_f |w_f| / (|d_f| + 1e-10)`, so that no scale of a filter shows; `layer`: each kernel as one;
 * `weight`: each entry `d_i w_i`; `none`: d as it is.
 */
export type DirectionNormalization = 'filter' | 'layer' | 'weight' | 'none';

/**
 * Scales a direction to the weights of the subject. Parameters that are no kernel (biases, batch normalization) get
 * zero, except with `'none'`. Filters are the last axis of `[in, out]` and `[height, width, in, out]`, the last two of a
 * depthwise kernel.
 */
export function normalizeDirection(
  subject: OpenModel,
  direction: Displacement,
  normalization: DirectionNormalization,
): Displacement {
  return tf.tidy(() =>
    subject.parameters.map((parameter, i) => {
      const part = direction[i];
      if (normalization === 'none') return tf.clone(part);
      if (parameter.role !== 'kernel') return tf.zerosLike(part);
      return normalizeKernel(parameter, part, normalization);
    }),
  );
}

function normalizeKernel(
  { centre, filterAxes }: Parameter,
  direction: tf.Tensor,
  normalization: 'filter' | 'layer' | 'weight',
): tf.Tensor {
  if (normalization === 'weight') return tf.mul(direction, centre);
  const all = centre.shape.map((_, axis) => axis);
  const axes = normalization === 'layer' ? all : all.filter((axis) => !filterAxes.includes(axis));
  const length = (x: tf.Tensor) => tf.sqrt(tf.sum(tf.square(x), axes, true));
  return tf.mul(direction, tf.div(length(centre), tf.add(length(direction), 1e-10)));
}
