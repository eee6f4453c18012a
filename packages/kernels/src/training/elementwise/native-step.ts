import * as tf from '@tensorflow/tfjs-core';
import type { KernelWrapper } from '../../backends/kernel-wrapper';
import { NODE_BACKEND } from '../../backends/node-backend';

/**
 * The gradient of a rectifier as max(sign x, 0), which keeps a NaN: tfjs-node makes an array of ones in JavaScript and
 * uploads it, as large as x.
 */
export const step: KernelWrapper = {
  kernelName: 'Step',
  backendName: NODE_BACKEND,
  wrap: (stock) => (args) => {
    const x = args.inputs.x as tf.Tensor;
    if (x.dtype !== 'float32' || args.attrs?.alpha !== 0) return stock(args);
    return tf.tidy(() => tf.maximum(tf.sign(x), 0));
  },
};
