import * as tf from '@tensorflow/tfjs-core';
import { nativeWrapper } from '../../backends/kernel';

/**
 * The gradient of a rectifier as max(sign x, 0), which keeps a NaN: tfjs-node makes an array of ones in JavaScript and
 * uploads it, as large as x.
 */
export const step = nativeWrapper<{ x: tf.Tensor }, { alpha: number }>('Step', ({ x }, { alpha }, _, stock) =>
  x.dtype === 'float32' && alpha === 0 ? tf.tidy(() => tf.maximum(tf.sign(x), 0)) : stock(),
);
