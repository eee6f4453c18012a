import * as tf from '@tensorflow/tfjs-core';

const SIZE = 128;

/**
 * 128 weights of one value w. Example k has the logits w_k and 0 and the label 0, so that it goes wrong where w_k falls
 * below 0: under noise of standard deviation sigma with probability Phi(-w / sigma), each k on its own; in a box of
 * half-width alpha as soon as alpha > w, all at once.
 */
export function independent(weight: number | readonly number[] = 1) {
  const values = typeof weight === 'number' ? tf.fill([SIZE, 1], weight) : tf.tensor2d([...weight], [SIZE, 1]);
  const variable = tf.variable(values);
  values.dispose();
  const forward = (x: tf.Tensor) =>
    tf.tidy(() => {
      const first = tf.matMul(x as tf.Tensor2D, variable as tf.Tensor2D);
      return tf.concat([first, tf.zerosLike(first)], 1);
    });
  return { forward, variables: [variable] };
}

/** `count` unit vectors in turn, all of the first of two classes. */
export function units(count: number) {
  const xs = new Float32Array(SIZE * count);
  for (let i = 0; i < count; i++) xs[SIZE * i + (i % SIZE)] = 1;
  return { xs, ys: new Int32Array(count), shape: [SIZE] };
}
