import * as tf from '@tensorflow/tfjs-core';
import { nativeKernel } from '../backends/kernel';
import {
  type BackwardAttributes,
  FAKE_QUANT,
  FAKE_QUANT_BACKWARD,
  type FakeQuantAttributes,
  SMALLEST_STEP,
} from './attributes';
import { sumPerStep } from './composed';

/**
 * Fake quantization in as few operations of TensorFlow as it takes: its minimum, maximum and rounding keep a NaN, so that
 * the definition's selections of NaN are left out, and no gradient is taken through what runs inside a kernel.
 */
function quantize(x: tf.Tensor, step: tf.Tensor, { qn, qp, axis = null }: FakeQuantAttributes) {
  const scale = tf.maximum(tf.abs(axis === null ? tf.reshape(step, []) : step), SMALLEST_STEP);
  const z = tf.div(x, scale);
  // tf.clipByValue takes twice as long as these two.
  const clipped = tf.minimum(tf.maximum(z, qn), qp);
  return { scale, z, clipped, q: tf.round(clipped) };
}

const forward = nativeKernel<Record<'x' | 'step', tf.Tensor>, FakeQuantAttributes>(
  FAKE_QUANT,
  ({ x, step }, attributes) =>
    tf.tidy(() => {
      const { scale, q } = quantize(x, step, attributes);
      return tf.mul(q, scale);
    }),
);

const backward = nativeKernel<Record<'dy' | 'x' | 'step', tf.Tensor>, BackwardAttributes>(
  FAKE_QUANT_BACKWARD,
  ({ dy, x, step }, attributes) => {
    const { qn, qp, axis = null, boundary = 'strict', gradientScale } = attributes;
    return tf.tidy(() => {
      const { z, clipped, q } = quantize(x, step, attributes);
      const inside =
        boundary === 'strict'
          ? tf.logicalAnd(tf.greater(z, qn), tf.less(z, qp))
          : tf.logicalAnd(tf.greaterEqual(z, qn), tf.lessEqual(z, qp));
      const passed = tf.cast(inside, 'float32');
      // Inside, the clipped z is z; outside, unlike z, it is finite.
      const terms = tf.mul(dy, tf.sub(q, tf.mul(clipped, passed)));
      const dStep = tf.mul(sumPerStep(terms, step, axis), tf.mul(tf.sign(step), gradientScale));
      return [tf.mul(dy, passed), dStep];
    });
  },
);

export const nativeFakeQuantKernels: readonly tf.KernelConfig[] = [forward, backward];
