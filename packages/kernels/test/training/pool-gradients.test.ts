import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectSame, numbers, on, run, withoutSimd } from '../cpu-and-wasm';

type Four = [number, number, number, number];
const size = (min: number, max: number) => fc.integer({ min, max });
const pools = fc
  .record({
    shape: fc.tuple(size(1, 3), size(1, 9), size(1, 9), size(1, 9)),
    filterSize: fc.tuple(size(1, 4), size(1, 4)),
    strides: fc.tuple(size(1, 3), size(1, 3)),
    pad: fc.constantFrom('same' as const, 'valid' as const),
    seed: size(0, 1000),
  })
  .filter(({ shape, filterSize, strides, pad }) => pooled(shape, filterSize, strides, pad).every((n) => n > 0));

const pooled = (shape: Four, filterSize: [number, number], strides: [number, number], pad: 'same' | 'valid'): Four =>
  tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad).outShape as Four;

describe.each(['with the SIMD module', 'without it'])('the gradient of a max pooling, %s', (name) => {
  if (name === 'without it') withoutSimd();

  it('is that of the cpu backend, for 300 shapes', () =>
    fc.assert(
      fc.asyncProperty(pools, ({ shape, filterSize, strides, pad, seed }) =>
        expectSame(() => {
          const input = numbers(shape, seed) as tf.Tensor4D;
          const dy = numbers(pooled(shape, filterSize, strides, pad), 1);
          const output = tf.maxPool(input, filterSize, strides, pad);
          return run('MaxPoolGrad', { dy, input, output }, { filterSize, strides, pad });
        }),
      ),
      { numRuns: 300, seed: 3 },
    ));

  it('goes to the first of equal values, passes over NaN, and is zero where nothing is left', async () => {
    const first = (values: number[]) =>
      on('wasm', () => {
        const input = tf.tensor4d(values, [1, 2, 2, 1]);
        const dy = tf.tensor4d([3], [1, 1, 1, 1]);
        return run('MaxPoolGrad', { dy, input, output: dy }, { filterSize: [2, 2], strides: [2, 2], pad: 'valid' });
      });
    expect([...(await first([1, 2, 2, 0]))[0].values]).toEqual([0, 3, 0, 0]);
    expect([...(await first([Number.NaN, 1, 0, 5]))[0].values]).toEqual([0, 0, 0, 3]);
    expect([...(await first(Array(4).fill(Number.NaN)))[0].values]).toEqual([0, 0, 0, 0]);
  });
});

it('a dy of another shape is an error', async () => {
  const input = tf.ones([1, 4, 4, 1]);
  const dy = tf.ones([1, 3, 2, 1]);
  await expect(
    on('wasm', () => run('MaxPoolGrad', { dy, input, output: dy }, { filterSize: 2, strides: 2, pad: 'valid' })),
  ).rejects.toThrow('MaxPoolGrad: dy must have the shape of the pooled tensor, [1,2,2,1], got [1,3,2,1]');
});
