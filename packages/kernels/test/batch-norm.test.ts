import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectSame, numbers, on, withoutSimd } from './cpu-and-wasm';

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
    expect([...y!.values]).toEqual([1]);
  });

  it('of nothing is nothing', async () => {
    const [y] = await on('wasm', () =>
      tf.batchNorm(tf.zeros([0, 2]), tf.zeros([2]) as tf.Tensor1D, tf.ones([2]) as tf.Tensor1D),
    );
    expect(y!.shape).toEqual([0, 2]);
  });
});
