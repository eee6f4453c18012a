import * as tf from '@tensorflow/tfjs-core';
import { STEP_RANGE } from '../quantizer/step-size';

/** A step, and an offset of 0 where a quantizer has none. */
export interface Start {
  readonly step: tf.Tensor;
  readonly offset: tf.Tensor;
}

/**
 * One start for what several batches start from: the mean of their steps and offsets, each batch counted by its examples;
 * or the range that holds all of theirs, as a step fitted to one batch clips what is larger in another. Batches that are
 * zero throughout, whose step is the smallest there is, tell nothing.
 */
export class JoinedStarts {
  /** [Σ n s, Σ n β, Σ n], or [-lowest value, highest value, Σ n] of a range; each in the shape of the step. */
  private sums: tf.Tensor;

  /**
   * @param codes where the range is to count: the lowest and the highest code
   * @param shape of the step
   */
  constructor(
    private readonly codes: { readonly qn: number; readonly qp: number } | null,
    private readonly shape: readonly number[],
  ) {
    this.sums = tf.zeros([3, ...shape]);
  }

  add({ step, offset }: Start, examples: number): void {
    const sums = tf.tidy(() => {
      const tells = tf.notEqual(step, STEP_RANGE.smallest);
      const [a, b, size] = tf.unstack(this.sums) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const joined = this.codes
        ? this.widened(tf.stack([a, b]), size, { step, offset }, this.codes)
        : tf.add(tf.stack([a, b]), tf.mul(tf.stack([step, offset]), examples));
      const next = tf.concat([joined, tf.reshape(tf.add(size, examples), [1, ...this.shape])]);
      // Lives on after the prediction under way, whose tensors go.
      return tf.keep(tf.where(tells, next, this.sums));
    });
    this.sums.dispose();
    this.sums = sums;
  }

  /** The joined start, and whether any batch has told one. */
  current(): Start & { readonly some: tf.Tensor } {
    const [a, b, size] = tf.unstack(this.sums) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const some = tf.notEqual(size, 0);
    if (this.codes) {
      const { qn, qp } = this.codes;
      const step = tf.div(tf.add(a, b), qp - qn);
      return { step, offset: tf.sub(tf.neg(a), tf.mul(step, qn)), some };
    }
    const several = tf.maximum(size, 1);
    return { step: tf.div(a, several), offset: tf.div(b, several), some };
  }

  /** Ends it, and gives the number of examples that told, of several steps where it is least. */
  async end(): Promise<number> {
    const values = await this.sums.data();
    this.sums.dispose();
    return Math.min(...values.subarray((2 * values.length) / 3));
  }

  private widened(ends: tf.Tensor, size: tf.Tensor, { step, offset }: Start, { qn, qp }: { qn: number; qp: number }) {
    const own = tf.stack([tf.neg(tf.add(offset, tf.mul(step, qn))), tf.add(offset, tf.mul(step, qp))]);
    const both = tf.where(tf.equal(size, 0), own, tf.maximum(ends, own));
    // On wasm, maximum turns a NaN into the other value.
    return tf.add(both, tf.mul(own, 0));
  }
}
