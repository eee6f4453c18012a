import * as tf from '@tensorflow/tfjs-core';
import type { FrozenCodes } from '../quantizer/frozen-codes';

/** The state of the oscillations of a kernel's codes: tensors of its shape that live until they are disposed. */
export type Oscillations = {
  /** q of the last step, float32. */
  readonly codes: tf.Tensor;
  /** The sign of the last change of q, 0 before the first. */
  readonly direction: tf.Tensor;
  /** f, the moving average of how often a weight oscillates. */
  readonly frequency: tf.Tensor;
  /** The moving average of q; none as long as nothing is to be frozen. */
  readonly average: tf.Tensor | undefined;
  readonly frozen: FrozenCodes | undefined;
};

export interface TrackingOptions {
  /** A weight is frozen where f exceeds it; 0 freezes none. */
  readonly threshold: number;
  /** m of the moving averages. */
  readonly momentum: number;
  /** The code that a weight is frozen at: the nearest to the moving average of its codes, or its last one. */
  readonly freezeAt: 'average' | 'last';
}

/** The state that follows from the first codes alone. */
export function firstOscillations(codes: tf.Tensor, { threshold }: TrackingOptions): Oscillations {
  return tf.tidy(() => {
    const q = tf.cast(codes, 'float32');
    const average = threshold > 0 ? tf.clone(q) : undefined;
    return { codes: tf.clone(q), direction: tf.zerosLike(q), frequency: tf.zerosLike(q), average, frozen: undefined };
  });
}

/**
 * The state after a training step (Nagel et al., "Overcoming Oscillations in Quantization-Aware Training", ICML 2022), with the codes q of the step, where a weight is frozen its frozen one:
 *
 *     o = [q has changed] and in the direction opposite to its last change, however long ago that was
 *     f ← m o + (1 - m) f                       from 0
 *     where f > threshold > 0: frozen for good at round(ema)
 *     ema ← m q + (1 - m) ema                   from the first q with a threshold above 0
 *
 * A frozen code is set once. The code that the authors released sets it again in every step, after which a frozen weight
 * may go on oscillating.
 */
export function nextOscillations(known: Oscillations, codes: tf.Tensor, options: TrackingOptions): Oscillations {
  const { threshold, momentum, freezeAt } = options;
  return tf.tidy(() => {
    const q = tf.cast(codes, 'float32');
    const change = tf.sign(tf.sub(q, known.codes));
    const oscillated = tf.cast(tf.less(tf.mul(change, known.direction), 0), 'float32');
    const moving = (average: tf.Tensor, value: tf.Tensor) =>
      tf.add(tf.mul(value, momentum), tf.mul(average, 1 - momentum));
    const frequency = moving(known.frequency, oscillated);
    const counted = {
      codes: tf.clone(q),
      direction: tf.where(tf.equal(change, 0), known.direction, change),
      frequency,
    };
    if (!(threshold > 0)) {
      const { average, frozen } = known;
      return {
        ...counted,
        average: average && tf.clone(average),
        frozen: frozen && { mask: tf.clone(frozen.mask), codes: tf.clone(frozen.codes) },
      };
    }
    const average = known.average ?? q;
    const over = tf.greater(frequency, threshold);
    const code = freezeAt === 'average' ? tf.round(average) : q;
    const frozen = known.frozen
      ? { mask: tf.logicalOr(known.frozen.mask, over), codes: tf.where(known.frozen.mask, known.frozen.codes, code) }
      : { mask: over, codes: tf.clone(code) };
    return { ...counted, average: moving(average, q), frozen };
  });
}

/** Frees what was known. */
export function forgetOscillations({ codes, direction, frequency, average, frozen }: Oscillations): void {
  tf.dispose([codes, direction, frequency]);
  if (average) average.dispose();
  if (frozen) tf.dispose([frozen.mask, frozen.codes]);
}
