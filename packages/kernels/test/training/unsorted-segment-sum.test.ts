import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { expectSame, numbers, on } from '../cpu-and-wasm';

it('adds up the rows of a segment, as on cpu', () =>
  expectSame(() => [
    tf.unsortedSegmentSum(numbers([6, 3], 1), tf.tensor1d([2, 0, 2, 1, 1, 2], 'int32'), 4),
    tf.unsortedSegmentSum(numbers([4], 1), tf.tensor1d([1, 1, 1, 1], 'int32'), 2),
  ]));

it('leaves out ids that are negative or too large', async () => {
  const [sums] = await on('wasm', () =>
    tf.unsortedSegmentSum(tf.tensor1d([1, 2, 4, 8]), tf.tensor1d([-1, 0, 1, 2], 'int32'), 2),
  );
  expect([...sums.values]).toEqual([2, 4]);
});

it('keeps integers integers', async () => {
  const [sums] = await on('wasm', () =>
    tf.unsortedSegmentSum(tf.range(0, 6, 1, 'int32'), tf.tensor1d([0, 0, 1, 1, 1, 0], 'int32'), 2),
  );
  expect(sums.dtype).toBe('int32');
  expect([...sums.values]).toEqual([6, 9]);
});

it('gives zeros for no rows', async () => {
  const [sums] = await on('wasm', () => tf.unsortedSegmentSum(tf.zeros([0, 2]), tf.tensor1d([], 'int32'), 3));
  expect(sums.shape).toEqual([3, 2]);
  expect([...sums.values]).toEqual([0, 0, 0, 0, 0, 0]);
});
