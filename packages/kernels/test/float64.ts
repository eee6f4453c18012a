import * as tf from '@tensorflow/tfjs-core';

/**
 * What `work` gives on a cpu backend that computes in float64: tfjs-backend-cpu makes its arrays by the name of their class,
 * so that another class of this name lets it count in doubles. Tensors must neither come in nor go out.
 */
export async function inFloat64<T>(work: () => T): Promise<T> {
  await tf.setBackend('cpu');
  const single = globalThis.Float32Array;
  const { platform } = tf.env();
  const { isTypedArray } = platform;
  platform.isTypedArray = (a): a is Float32Array => a instanceof Float64Array || isTypedArray.call(platform, a);
  Object.assign(globalThis, { Float32Array: Float64Array });
  tf.engine().startScope();
  try {
    return work();
  } finally {
    tf.engine().endScope();
    tf.disposeVariables();
    Object.assign(globalThis, { Float32Array: single });
    platform.isTypedArray = isTypedArray;
  }
}
