import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectSame, numbers, on, withoutSimd } from '../cpu-and-wasm';

const shapes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 0, maxLength: 4 });

describe.each(['with the SIMD module', 'without it'])('sums and means, %s', (name) => {
  if (name === 'without it') withoutSimd();

  it('are those of the cpu backend over any axes', () =>
    fc.assert(
      fc.asyncProperty(shapes, fc.integer({ min: 0, max: 15 }), fc.boolean(), (shape, chosen, keepDims) => {
        const axes = shape.map((_, axis) => axis).filter((axis) => (chosen >> axis) & 1);
        return expectSame(() => {
          const x = numbers(shape, 1);
          return [tf.sum(x, axes, keepDims), tf.mean(x, axes, keepDims), tf.sum(x), tf.sum(tf.cast(x, 'int32'), axes)];
        });
      }),
      { numRuns: 200, seed: 5 },
    ));

  it('over no element are 0 and NaN', async () => {
    const [sum, mean, empty] = await on('wasm', () => {
      tf.dispose(tf.fill([3], 7));
      return [tf.sum(tf.zeros([0, 3]), 0), tf.mean(tf.zeros([0, 3]), 0), tf.sum(tf.zeros([0, 3]), 1)];
    });
    expect([...sum.values]).toEqual([0, 0, 0]);
    expect([...mean.values]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(empty.shape).toEqual([0]);
  });

  it('let NaN and infinity through', async () => {
    const [sum] = await on('wasm', () =>
      tf.sum(
        tf.tensor2d([
          [1, Number.NaN, 3],
          [Number.POSITIVE_INFINITY, 2, 3],
        ]),
        0,
      ),
    );
    expect([...sum.values]).toEqual([Number.POSITIVE_INFINITY, Number.NaN, 6]);
  });
});

it('a sum of a million equal numbers keeps seven digits', async () => {
  const results = await on('wasm', () => [
    tf.sum(tf.fill([1_000_000], 0.1)),
    tf.sum(tf.fill([1_000_000, 4], 0.1), 0),
    tf.mean(tf.fill([1_000_000, 1, 3], 0.1), [0, 1]),
  ]);
  for (const { values } of results.slice(0, 2)) for (const value of values) expect(value / 100_000).toBeCloseTo(1, 5);
  for (const value of results[2].values) expect(value).toBeCloseTo(0.1, 6);
});
