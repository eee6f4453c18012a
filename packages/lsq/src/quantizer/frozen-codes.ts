import * as tf from '@tensorflow/tfjs-core';
import { type FakeQuantOptions, fakeQuant } from './fake-quant';
import { scaledStep } from './scaled-step';

/** Elements of a tensor that keep a code: where `mask` (bool) is true, the float32 `codes` hold it. */
export type FrozenCodes = {
  readonly mask: tf.Tensor;
  readonly codes: tf.Tensor;
};

/**
 * `fakeQuant` with elements whose code is frozen (Nagel et al., "Overcoming Oscillations in Quantization-Aware Training",
 * ICML 2022): there, with the frozen code c,
 *
 *     x̂ = c s    dx = 0    ds = g Σ dy c
 *
 * with the gradient scale g of the rest.
 */
export function fakeQuantFrozen(
  x: tf.Tensor,
  step: tf.Tensor,
  { mask, codes }: FrozenCodes,
  options: FakeQuantOptions,
): tf.Tensor {
  return tf.tidy(() => tf.where(mask, tf.mul(codes, scaledStep(step, x, options)), fakeQuant(x, step, options)));
}
