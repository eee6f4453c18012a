import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectSame, numbers, on, withoutSimd } from '../cpu-and-wasm';

const vector = (size: number, seed: number) => numbers([size], seed) as tf.Tensor1D;

describe.each(['with the SIMD module', 'without it'])('batch normalization, %s', (name) => {
  if (name === 'without it') withoutSimd();

  it.each([[[2, 3, 3, 4]], [[5, 7]], [[3, 2, 1]], [[2, 9]]])('of [%s] is that of the cpu backend', (shape) => {
    const columns = shape.at(-1)!;
    return expectSame(() => {
      const x = numbers(shape, 1);
      const [mean, variance] = [vector(columns, 2), tf.square(vector(columns, 3))];
      return [
        tf.batchNorm(x, mean, variance, vector(columns, 4), vector(columns, 5), 1e-3),
        tf.batchNorm(x, mean, variance),
      ];
    });
  });

  it('of values far from zero loses no digits to the mean', async () => {
    const mean = tf.tensor1d([1e6]);
    const [y] = await on('wasm', () =>
      tf.batchNorm(tf.tensor2d([[1e6 + 1]]), mean, tf.tensor1d([1]), undefined, undefined, 0),
    );
    expect([...y.values]).toEqual([1]);
  });

  it('of nothing is nothing', async () => {
    const [y] = await on('wasm', () =>
      tf.batchNorm(tf.zeros([0, 2]), tf.zeros([2]) as tf.Tensor1D, tf.ones([2]) as tf.Tensor1D),
    );
    expect(y.shape).toEqual([0, 2]);
  });
});

describe.each(['cpu', 'wasm'] as const)('batch normalization on %s', (backend) => {
  /** (x − mean) / √(variance + ε) · scale + offset, where statistics lie along axis 1 of [2, 3, 2, 2]. */
  it('along an axis other than the last is that of the definition', async () => {
    const x = Array.from({ length: 24 }, (_, i) => i / 7 - 1);
    const [mean, variance, offset, scale] = [
      [0.5, -1, 2],
      [1, 4, 0.25],
      [0, 10, 20],
      [1, 2, 3],
    ];
    const [y] = await on(backend, () => {
      const along = (values: number[]) => tf.tensor4d(values, [1, 3, 1, 1]);
      const image = tf.tensor4d(x, [2, 3, 2, 2]);
      return tf.batchNorm(image, along(mean), along(variance), along(offset), along(scale), 1e-3);
    });
    for (const [i, value] of x.entries()) {
      const c = Math.floor(i / 4) % 3;
      const expected = ((value - mean[c]) / Math.sqrt(variance[c] + 1e-3)) * scale[c] + offset[c];
      expect(y.values[i]).toBeCloseTo(expected, 4);
    }
  });

  it('of a matrix or a sequence along its first axis too', async () => {
    const [matrix, sequence] = await on(backend, () => [
      tf.batchNorm(
        tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]),
        tf.tensor2d([1, 4], [2, 1]),
        tf.tensor2d([1, 4], [2, 1]),
        undefined,
        undefined,
        0,
      ),
      tf.batchNorm(
        tf.tensor3d([1, 2, 3, 4, 5, 6], [1, 2, 3]),
        tf.tensor3d([1, 4], [1, 2, 1]),
        tf.tensor3d([1, 4], [1, 2, 1]),
        undefined,
        undefined,
        0,
      ),
    ]);
    expect([...matrix.values]).toEqual([0, 1, 2, 0, 0.5, 1]);
    expect([...sequence.values]).toEqual([0, 1, 2, 0, 0.5, 1]);
  });

  it('with statistics that fit nowhere is an error', async () => {
    const odd = () => tf.ones([3]) as tf.Tensor1D;
    await expect(on(backend, () => tf.batchNorm(tf.ones([2, 4]), odd(), odd()))).rejects.toThrow('broadcast');
  });

  it('without scale or offset has a gradient: dx = dy / √(variance + ε), dOffset = Σ dy', async () => {
    const found = await on(backend, () => {
      const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
      const [mean, variance, offset] = [tf.tensor1d([0, 1]), tf.tensor1d([4, 16]), tf.tensor1d([1, 2])];
      const plain = tf.grads((x, m, v) =>
        tf.sum(tf.batchNorm(x as tf.Tensor2D, m as tf.Tensor1D, v as tf.Tensor1D, undefined, undefined, 0)),
      );
      const shifted = tf.grads((x, o) =>
        tf.sum(tf.batchNorm(x as tf.Tensor2D, mean, variance, o as tf.Tensor1D, undefined, 0)),
      );
      return [...plain([x, mean, variance]), ...shifted([x, offset])];
    });
    const [dx, dMean, dVariance, dxShifted, dOffset] = found.map(({ values }) => [...values]);
    expect(dx).toEqual([0.5, 0.25, 0.5, 0.25]);
    expect(dMean).toEqual([-1, -0.5]);
    // −½ v^(−3/2) Σ (x − mean) = −½ / 8 · (1 + 3) and −½ / 64 · (1 + 3)
    expect(dVariance).toEqual([-0.25, -0.03125]);
    expect(dxShifted).toEqual(dx);
    expect(dOffset).toEqual([2, 2]);
  });
});
