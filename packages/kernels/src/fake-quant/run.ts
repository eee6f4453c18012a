import * as tf from '@tensorflow/tfjs-core';
import { gradientOf } from '../backends/gradient';
import { registered } from '../backends/registered';
import { runKernel } from '../backends/run-kernel';
import { type BackwardAttributes, FAKE_QUANT, FAKE_QUANT_BACKWARD, type FakeQuantAttributes } from './attributes';
import { composedBackward, composedForward, quantize, signOf, sumPerStep } from './composed';

/** `fakeQuantForward` of arguments that fit, without its checks: for a function that has made its own. */
export function runFakeQuant(x: tf.Tensor, step: tf.Tensor, attributes: FakeQuantAttributes): tf.Tensor {
  if (!registered(FAKE_QUANT)) return composedForward(x, step, attributes);
  return runKernel<tf.Tensor>(FAKE_QUANT, { x, step }, attributes);
}

/** `fakeQuantBackward` of arguments that fit, without its checks. */
export function runFakeQuantBackward(
  dy: tf.Tensor,
  x: tf.Tensor,
  step: tf.Tensor,
  attributes: FakeQuantAttributes & { readonly gradientScale: number },
): { dx: tf.Tensor; dStep: tf.Tensor } {
  if (!registered(FAKE_QUANT_BACKWARD)) return composedBackward(dy, x, step, attributes);
  const [dx, dStep] = runKernel<Pair>(FAKE_QUANT_BACKWARD, { dy, x, step }, attributes);
  return { dx, dStep };
}

type Pair = [tf.Tensor, tf.Tensor];

/**
 * The gradient of the fast backward kernels, for second derivatives: with upstream u for dx and v for dStep, and
 * w = gradientScale * sign(s) * v,
 *
 *     d/d dy = u [inside] + w t    d/dx = -w dy [inside] / s_eff    d/ds = sign(s) sum(w dy [inside] z / s_eff)
 */
export const fakeQuantBackwardGradient: tf.GradConfig = {
  kernelName: FAKE_QUANT_BACKWARD,
  inputsToSave: ['dy', 'x', 'step'],
  gradFunc: gradientOf<Pair, [tf.Tensor, tf.Tensor, tf.Tensor], BackwardAttributes>(
    ([u, v], [dy, x, step], attributes) => {
      const { scale, z, q, inside } = quantize(x, step, attributes);
      const sign = signOf(step);
      const w = tf.reshape(tf.mul(tf.mul(v, sign), attributes.gradientScale), scale.shape);
      const passed = tf.cast(inside, 'float32');
      const zero = tf.zerosLike(z);
      const slope = tf.div(tf.mul(tf.mul(w, dy), passed), scale);
      const dStep = () =>
        tf.mul(sign, sumPerStep(tf.mul(slope, tf.where(inside, z, zero)), step, attributes.axis ?? null));
      return {
        dy: () => tf.add(tf.mul(u, passed), tf.mul(w, tf.where(inside, tf.sub(q, z), q))),
        x: () => tf.neg(slope),
        step: dStep,
      };
    },
  ),
};
