import * as tf from '@tensorflow/tfjs-core';
import { gradientOf } from '../../backends/gradient';
import { sumToShape } from '../sums/sum-to-shape';

/** A list of inputs to save that leaves out those that were not given; tfjs would save `undefined`, and throw. */
function ifGiven(names: readonly string[]): string[] {
  const list = [...names];
  const map: typeof list.map = (value) => names.map((name, i) => value(name, i, list)).filter((saved) => saved != null);
  return Object.assign(list, { map });
}

/**
 * Gradient of y = (x − mean) · r · scale + offset with r = 1 / √(variance + ε), on every backend:
 *   dx = dy · r · scale        dOffset = Σ dy        dScale = r · Σ dy (x − mean)
 *   dMean = −r · scale · Σ dy  dVariance = −½ r³ · scale · Σ dy (x − mean)
 * the sums over the axes along which the statistics are broadcast. tfjs computes each one over a whole tensor of its own,
 * and tiles r, which on wasm takes half of a training step.
 */
export const batchNormGradient: tf.GradConfig = {
  kernelName: 'FusedBatchNorm',
  inputsToSave: ifGiven(['x', 'mean', 'variance', 'scale']),
  gradFunc: gradientOf<tf.Tensor, Saved, { varianceEpsilon: number }>((dy, saved, { varianceEpsilon }) => {
    const [x, mean, variance, scale] = saved;
    const total = (values: tf.Tensor) => sumToShape(values, mean.shape);
    const scaled = (values: tf.Tensor) => (scale ? tf.mul(values, tf.reshape(scale, mean.shape)) : values);
    const reciprocal = tf.rsqrt(tf.add(variance, varianceEpsilon));
    const sum = total(dy);
    const moment = total(tf.mul(dy, tf.sub(x, mean)));
    return {
      x: () => tf.mul(dy, scaled(reciprocal)),
      mean: () => tf.neg(tf.mul(scaled(reciprocal), sum)),
      variance: () => tf.mul(tf.mul(scaled(tf.pow(reciprocal, 3)), -0.5), moment),
      scale: () => tf.mul(reciprocal, moment),
      offset: () => sum,
    };
  }),
};

type Saved = [x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, scale: tf.Tensor | undefined];
