import * as tf from '@tensorflow/tfjs-core';

/** An order of n tokens and the one that undoes it: `inverse[order[i]] = i`. */
export interface Permutation {
  readonly order: Int32Array<ArrayBuffer>;
  readonly inverse: Int32Array<ArrayBuffer>;
}

/** The permutation with the given order, which must hold every integer from 0 to n - 1 once. */
export function permutation(order: Int32Array<ArrayBuffer>): Permutation {
  const inverse = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) inverse[order[i]] = i;
  return { order, inverse };
}

/**
 * Tokens in another order: y[b, i] = x[b, order[i]] for x of shape [batch, tokens, channels].
 *
 * The gradient is the same gather by the inverse order, and so is every higher derivative; the stock gradient of a gather
 * adds up rows, which a permutation has no need of.
 */
export function permuteTokens(x: tf.Tensor, { order, inverse }: Permutation): tf.Tensor {
  return tf.customGrad((tokens) => ({
    value: tf.gather(tokens as tf.Tensor, tf.tensor1d(order, 'int32'), 1),
    gradFunc: (dy) => permuteTokens(dy as tf.Tensor, { order: inverse, inverse: order }),
  }))(x);
}
