import * as tf from '@tensorflow/tfjs-core';
import type { ClassKind } from './output-kind';

/** The smallest probability that enters a logarithm; a loss per example is at most -ln 1e-30 = 69.1. */
export const LEAST_PROBABILITY = 1e-30;

/** The largest entry of every row, constant for differentiation of any order. */
const constantRowMax = tf.customGrad((x) => {
  const rows = x as tf.Tensor2D;
  return { value: tf.max(rows, 1, true), gradFunc: () => tf.zerosLike(rows) };
});

/** a / p, and 0 where p is below the smallest probability. NaN stays NaN. */
const overClipped = (a: tf.Tensor, p: tf.Tensor): tf.Tensor =>
  tf.where(tf.less(p, LEAST_PROBABILITY), tf.zerosLike(p), tf.div(a, p));

/** `overClipped` with derivatives u / p and -(u / p) (dy / p): p^2, which float32 takes for 0 below 1e-19, is in none. */
const quotient = tf.customGrad((...given) => {
  const [dy, p, save] = given as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
  save([dy, p]);
  const gradFunc = (u: tf.Tensor, [dy, p]: tf.Tensor[]) => {
    const share = overClipped(u, p);
    return [share, tf.neg(tf.mul(share, overClipped(dy, p)))];
  };
  return { value: overClipped(dy, p), gradFunc };
});

/**
 * ln max(p, 1e-30). Its first and second derivatives stay finite where a softmax rounds to 0 or 1: with the stock ones
 * a probability of 0 gives 0 times infinity.
 */
export const clippedLog = tf.customGrad((...given) => {
  const [p, save] = given as unknown as [tf.Tensor, tf.GradSaveFunc];
  save([p]);
  const value = tf.log(tf.maximum(p, LEAST_PROBABILITY));
  return { value, gradFunc: (dy: tf.Tensor, [p]: tf.Tensor[]) => quotient(dy, p) };
});

/**
 * Cross-entropy of every example, natural logarithm: ln sum_c exp(z_c - max z) - (z_y - max z) of logits z, or
 * -ln max(p_y, 1e-30) of probabilities p. Differentiable; written without a softmax, so second derivatives are right.
 *
 * @param outputs `[n, classes]`
 * @param labels `[n]` integers, or `[n, classes]` one-hot (or soft) targets
 * @returns `[n]`; NaN where the outputs are NaN
 */
export function perExampleCrossEntropy(outputs: tf.Tensor, labels: tf.Tensor, kind: ClassKind): tf.Tensor1D {
  return tf.tidy(() => {
    const classes = outputs.shape[outputs.rank - 1];
    const rows = tf.reshape(outputs, [-1, classes]);
    const targets =
      labels.rank < 2
        ? tf.cast(tf.oneHot(tf.cast(labels as tf.Tensor1D, 'int32'), classes), 'float32')
        : tf.cast(labels, 'float32');
    if (kind === 'probabilities') return tf.neg(tf.sum(tf.mul(targets, clippedLog(rows)), 1)) as tf.Tensor1D;
    const shifted = tf.sub(rows, constantRowMax(rows));
    return tf.sub(tf.log(tf.sum(tf.exp(shifted), 1)), tf.sum(tf.mul(targets, shifted), 1)) as tf.Tensor1D;
  });
}
