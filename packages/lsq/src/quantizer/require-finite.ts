import * as tf from '@tensorflow/tfjs-core';

/** Throws a RangeError, `message` behind the caller's name, if `tensor` holds NaN or an infinity. */
export async function requireFinite(name: string, tensor: tf.Tensor, message: string): Promise<void> {
  const check = tf.tidy(() => tf.sum(tf.mul(tensor, 0)));
  const [zero] = await check.data();
  check.dispose();
  if (zero !== 0) throw new RangeError(`${name}: ${message}`);
}
