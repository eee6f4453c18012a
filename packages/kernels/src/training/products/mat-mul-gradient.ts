import type * as tf from '@tensorflow/tfjs-core';
import type { GradientWrapper } from '../../backends/gradient';
import { sumToShape } from '../sums/sum-to-shape';

/** Gradient of a matrix product whose batches are broadcast, summed over what was repeated; tfjs throws there. */
export const batchMatMulGradient: GradientWrapper = {
  kernelName: 'BatchMatMul',
  wrap: (stock) => ({
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      const whole = stock.gradFunc(dy, saved, attrs) as { a: () => tf.Tensor; b: () => tf.Tensor };
      return { a: () => sumToShape(whole.a(), a.shape), b: () => sumToShape(whole.b(), b.shape) };
    },
  }),
};
