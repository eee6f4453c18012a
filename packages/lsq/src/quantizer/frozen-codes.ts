import * as tf from '@tensorflow/tfjs-core';
import { type FakeQuantOptions, fakeQuant } from './fake-quant';
import { gradientFactor, l1Scale } from './gradient-scale';
import { codeRange } from './grid';
import { STEP_RANGE } from './step-size';

/** Elements of a tensor that keep a code: where `mask` (bool) is true, the float32 `codes` hold it. */
export interface FrozenCodes {
  readonly mask: tf.Tensor;
  readonly codes: tf.Tensor;
}

/**
 * `fakeQuant` with elements whose code is frozen (Nagel et al., "Overcoming Oscillations in Quantization-Aware Training",
 * ICML 2022, section 4.3): there, with the frozen code c,
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
  return tf.tidy(() => {
    const scaled = tf.maximum(tf.abs(scaleGradient(step, x, options)), STEP_RANGE.smallest);
    return tf.where(mask, tf.mul(codes, scaled), fakeQuant(x, step, options));
  });
}

/** The step as it is, its gradient multiplied by g. */
function scaleGradient(step: tf.Tensor, x: tf.Tensor, options: FakeQuantOptions): tf.Tensor {
  const { axis = null, gradientScale = 'lsq', stepLearningRateMultiplier = 1 } = options;
  const { qp } = codeRange(options);
  return tf.customGrad((...inputs: unknown[]) => ({
    value: tf.clone(inputs[0] as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => {
      const factor = gradientFactor(gradientScale, x.shape, axis, qp) * stepLearningRateMultiplier;
      const scaled = tf.mul(dy, factor);
      return gradientScale === 'l1' ? tf.mul(scaled, l1Scale(x, step.shape, axis, qp)) : scaled;
    },
  }))(step);
}
