import * as tf from '@tensorflow/tfjs-core';
import { STEP_RANGE } from './step-size';

/**
 * In what units a step is trained.
 *
 *     'absolute'  the optimizer moves s itself, as the LSQ paper does
 *     'relative'  it moves p, which starts at 1, and s = s₀ (1 + m (p - 1)) with the step s₀ of the start and the
 *                 stepLearningRateMultiplier m. As gradient of p it gets ∂L/∂s over s₀.
 *
 * So SGD and momentum move s by m times what they move it by under 'absolute', while Adam, RMSProp and the like, which
 * under 'absolute' move every step by about the learning rate whatever its size, move it by that share of s₀.
 *
 * Two guards make the relative form safe at any rate; in ordinary training neither acts. The gradient of p counts as at
 * most 10 either way, and no update takes s below s₀ / 32: a step never goes through zero, nor so near to it that the outputs
 * of its layer vanish.
 */
export type StepScale = 'relative' | 'absolute';

export const STEP_SCALES: readonly StepScale[] = ['relative', 'absolute'];

/** The better one in docs/benchmarks.md, step-scale. */
export const DEFAULT_STEP_SCALE: StepScale = 'relative';

/** The guards: the least that s / s₀ becomes, and the most that the gradient of p counts as. */
const GUARDS = { share: 1 / 32, gradient: 10 } as const;

/** s from p, s₀ and m. Where p or s₀ is NaN so is s. */
export function stepOf(p: tf.Tensor, start: tf.Tensor, multiplier: number): tf.Tensor {
  return tf.tidy(() => {
    const share = multiplier === 1 ? p : tf.add(tf.mul(tf.sub(p, 1), multiplier), 1);
    // On wasm, maximum turns a NaN into the other value.
    return tf.add(tf.mul(start, tf.maximum(share, GUARDS.share)), tf.mul(p, 0));
  });
}

/** p as it is after an update: no lower than where s is s₀ / 32, so that it need not find its way back from there. */
export function heldShare(p: tf.Tensor, multiplier: number): tf.Tensor {
  if (multiplier === 0) return p;
  const lowest = 1 - (1 - GUARDS.share) / multiplier;
  return tf.tidy(() => tf.where(tf.less(p, lowest), tf.scalar(lowest), p));
}

/** The gradient of p for that of s. */
export function shareGradient(ds: tf.Tensor, start: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const gradient = tf.div(ds, tf.maximum(start, STEP_RANGE.smallest));
    const bounded = tf.clipByValue(gradient, -GUARDS.gradient, GUARDS.gradient);
    // Clipping by XNNPACK may turn a NaN into a bound.
    return tf.where(tf.isNaN(gradient), gradient, bounded);
  });
}
