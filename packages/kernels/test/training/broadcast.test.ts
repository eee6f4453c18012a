import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { leakedTensors } from '../../../../test/backends';
import { expectSame, numbers, on, withoutSimd } from '../cpu-and-wasm';

const operations = [tf.add, tf.sub, tf.mul, tf.div, tf.maximum, tf.minimum];

describe.each(['with the SIMD module', 'without it'])('operations of two tensors, %s', (name) => {
  if (name === 'without it') withoutSimd();

  it.each([
    // a number, a row, a row of which the last vector is not full
    [[5, 7], []],
    [
      [5, 7],
      [1, 1],
    ],
    [[3, 4, 16], [16]],
    [[9, 5], [5]],
    [
      [2, 3, 4, 3],
      [1, 1, 1, 3],
    ],
    [[6, 1], [1]],
    // one for every row, one of every channel of an image
    [
      [3, 4, 5],
      [3, 4, 1],
    ],
    [
      [3, 2, 2, 6],
      [3, 1, 1, 6],
    ],
    [
      [3, 5, 1, 6],
      [1, 1, 6],
    ],
    [
      [2, 3, 4],
      [1, 3, 4],
    ],
    // equal shapes
    [
      [3, 5],
      [3, 5],
    ],
    [[1], [1, 1, 1]],
    // repeated along axes that are no neighbours, and each along an axis of its own
    [
      [2, 3, 2, 3],
      [1, 3, 1, 3],
    ],
    [
      [4, 1],
      [1, 5],
    ],
    [
      [2, 1, 3],
      [5, 1],
    ],
  ])('of [%s] and [%s], both ways around, are those of the cpu backend', (first, second) =>
    expectSame(() => {
      const [a, b] = [numbers(first, 1), numbers(second, 2)];
      return operations.flatMap((operation) => [operation(a, b), operation(b, a)]);
    }, 1e-6),
  );

  it('of integers and of nothing are those of tfjs', () =>
    expectSame(() => [
      tf.add(tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32'), tf.tensor1d([5, 6], 'int32')),
      tf.maximum(tf.tensor1d([1, 5], 'int32'), tf.scalar(3, 'int32')),
      tf.add(tf.zeros([0, 3]), tf.ones([3])),
      tf.mul(tf.zeros([2, 0]), tf.scalar(3)),
    ]));

  it('leak nothing', async () => {
    await tf.setBackend('wasm');
    const [a, b] = [tf.ones([4, 3]), tf.ones([3])];
    expect(await leakedTensors(() => tf.dispose(operations.map((operation) => operation(b, a))))).toBe(0);
  });
});

it('the larger and the smaller of two numbers are NaN where one of them is, and quotients keep infinity', async () => {
  const found = await on('wasm', () => {
    const a = tf.tensor1d([Number.NaN, 1, 0, -1, Number.POSITIVE_INFINITY]);
    return [tf.maximum(a, 0.5), tf.minimum(tf.scalar(0.5), a), tf.div(1, a), tf.mul(a, Number.NaN)];
  });
  const [larger, smaller, reciprocal, product] = found.map(({ values }) => [...values]);
  expect(larger).toEqual([Number.NaN, 1, 0.5, 0.5, Number.POSITIVE_INFINITY]);
  expect(smaller).toEqual([Number.NaN, 0.5, 0, -1, 0.5]);
  expect(reciprocal).toEqual([Number.NaN, 1, Number.POSITIVE_INFINITY, -1, 0]);
  expect(product).toEqual(new Array(5).fill(Number.NaN));
});
