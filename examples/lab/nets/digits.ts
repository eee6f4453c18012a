import * as tf from '@tensorflow/tfjs-core';
import { SIDE } from '../protocol';

export interface Examples {
  readonly xs: tf.Tensor4D;
  readonly ys: Int32Array;
}

export interface Digits {
  readonly train: Examples;
  readonly test: Examples;
}

/** The digits as vite.config.ts packs them: pixels of all, then labels of all; the last third is to test on. */
export function unpackDigits(bytes: Uint8Array): Digits {
  const pixels = SIDE * SIDE;
  const size = bytes.length / (pixels + 1);
  if (!Number.isInteger(size / 3))
    throw new Error(`digits.bin has ${bytes.length} bytes: it is damaged, build it again`);
  const split = (from: number, to: number): Examples => ({
    xs: tf.tidy(() => {
      const values = bytes.subarray(from * pixels, to * pixels);
      return tf.div(tf.tensor4d(values, [to - from, SIDE, SIDE, 1], 'float32'), 255);
    }),
    ys: Int32Array.from(bytes.subarray(size * pixels + from, size * pixels + to)),
  });
  return { train: split(0, (2 * size) / 3), test: split((2 * size) / 3, size) };
}

/** The first examples; the caller disposes `xs`. */
export function firstOf({ xs, ys }: Examples, count: number): Examples {
  return { xs: tf.slice(xs, 0, count), ys: ys.subarray(0, count) };
}
