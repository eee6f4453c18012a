import * as tf from '@tensorflow/tfjs-core';

/**
 * The methods of tensors that the orthogonal initializer of tfjs-layers calls, with which recurrent layers start. They come
 * with the package `@tensorflow/tfjs` and are missing where tfjs-core and tfjs-layers are installed alone, so that no LSTM
 * can be built there.
 */
const methods: Readonly<Record<string, (this: tf.Tensor, ...args: never[]) => tf.Tensor>> = {
  flatten() {
    return tf.reshape(this, [this.size]);
  },
  reshape(shape: number[]) {
    return tf.reshape(this, shape);
  },
  sign() {
    return tf.sign(this);
  },
  stridedSlice(begin: number[], end: number[], strides?: number[], ...masks: number[]) {
    return tf.stridedSlice(this, begin, end, strides, ...masks);
  },
  transpose(permutation?: number[]) {
    return tf.transpose(this, permutation);
  },
};

for (const [name, value] of Object.entries(methods))
  if (!(name in tf.Tensor.prototype))
    Object.defineProperty(tf.Tensor.prototype, name, { value, writable: true, configurable: true, enumerable: true });
