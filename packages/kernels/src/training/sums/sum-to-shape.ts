import * as tf from '@tensorflow/tfjs-core';

/** Undoes broadcasting: `x` summed over the axes along which a tensor of `shape` was repeated. */
export function sumToShape(x: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], x.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(x, axes) : x, [...shape]);
}
