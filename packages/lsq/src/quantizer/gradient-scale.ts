import { shown } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * The factor of the gradient of a step that N elements share.
 *
 *     'lsq'       1 / sqrt(N qp)          Esser et al. 2020, section 2.2; the default
 *     'features'  1 / sqrt(N qp / batch)  N without the batch, the first axis: N_F of Esser et al. for activations
 *     'l1'        1 / sqrt(|x|_1 qp)      Huang et al. 2024 ("VVTQ"), over the elements that share the step
 *     'none'      1
 *     a number    that number
 *
 * A kernel has no batch: for the kernels of a layer 'features' is 'lsq'. Adam, AdamW and RMSProp divide a gradient by its
 * own size, so under them none of this has an effect.
 */
export type GradientScale = 'lsq' | 'features' | 'l1' | 'none' | number;

const names: readonly unknown[] = ['lsq', 'features', 'l1', 'none'];

/** Throws a RangeError that begins with `name` unless `scale` is one of the above and the multiplier finite. */
export function checkGradientScale(name: string, scale: GradientScale, stepLearningRateMultiplier: number): void {
  if (typeof scale === 'number' ? !Number.isFinite(scale) : !names.includes(scale))
    throw new RangeError(
      `${name}: gradientScale must be 'lsq', 'features', 'l1', 'none' or a finite number, got ${
        typeof scale === 'string' ? scale : shown(scale)
      }`,
    );
  if (!Number.isFinite(stepLearningRateMultiplier) || stepLearningRateMultiplier < 0)
    throw new RangeError(
      `${name}: stepLearningRateMultiplier must be a number from 0 up, got ${shown(stepLearningRateMultiplier)}; 1 changes nothing`,
    );
}

/** The factor as a number, or for 'l1', which depends on the values, 1: `l1Scale` then has the rest. */
export function gradientFactor(
  scale: GradientScale,
  shape: readonly number[],
  axis: number | null,
  qp: number,
): number {
  if (typeof scale === 'number') return scale;
  if (scale === 'none' || scale === 'l1') return 1;
  const size = tf.util.sizeFromShape([...shape]) / (axis === null ? 1 : Math.max(shape[axis], 1));
  const batch = scale === 'features' && axis !== 0 ? (shape[0] ?? 1) : 1;
  return 1 / Math.sqrt(Math.max(size / Math.max(batch, 1), 1) * qp);
}

/** 1 / sqrt(|x|_1 qp) per step, in the shape of the step. An all-zero slice gets 1 / sqrt(1e-8 qp). */
export function l1Scale(x: tf.Tensor, stepShape: readonly number[], axis: number | null, qp: number): tf.Tensor {
  return tf.tidy(() => {
    const others = x.shape.map((_, dimension) => dimension).filter((dimension) => dimension !== axis);
    const norm = tf.reshape(tf.sum(tf.abs(x), others), [...stepShape]);
    return tf.rsqrt(tf.mul(tf.maximum(norm, 1e-8), qp));
  });
}
