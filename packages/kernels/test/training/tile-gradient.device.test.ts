import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import '@qgen/kernels';

const numbers = (n: number, phase: number) => Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1) + phase));

/** Shape and repetitions. */
const cases: [number[], number[]][] = [
  [[3], [4]],
  [
    [2, 3],
    [1, 1],
  ],
  [
    [2, 3],
    [2, 3],
  ],
  [
    [4, 1, 2],
    [1, 5, 1],
  ],
  [
    [1, 1, 6],
    [3, 4, 1],
  ],
  [
    [2, 3, 2, 2],
    [2, 1, 3, 1],
  ],
  [
    [2, 1, 2, 1, 3],
    [1, 2, 2, 3, 1],
  ],
  [
    [1, 2, 1, 2, 1, 2],
    [2, 1, 2, 1, 2, 2],
  ],
];

describe.each(backends)('the gradient of tile on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(cases)('of %j repeated %j is the sum over repetitions', async (shape, reps) => {
    const size = shape.reduce((a, b) => a * b);
    const tiled = shape.map((length, axis) => length * reps[axis]);
    const dy = numbers(
      tiled.reduce((a, b) => a * b),
      1,
    );
    const weights = tf.tensor(dy, tiled);
    const x = tf.tensor(numbers(size, 2), shape);
    const gradient = tf.grad((given) => tf.sum(tf.mul(tf.tile(given, reps), weights)))(x);
    const expected = new Array<number>(size).fill(0);
    for (const [position, value] of dy.entries()) {
      let [rest, at, stride] = [position, 0, 1];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        at += stride * ((rest % tiled[axis]) % shape[axis]);
        stride *= shape[axis];
        rest = Math.floor(rest / tiled[axis]);
      }
      expected[at] += value;
    }
    expect(gradient.shape).toEqual(shape);
    const values = await gradient.data();
    for (const [i, value] of expected.entries()) expect(values[i]).toBeCloseTo(value, 4);
  });

  it('of a tensor repeated no times is zero', async () => {
    const gradient = tf.grad((x) => tf.tile(x, [0, 2]))(tf.ones([2, 3]), tf.zeros([0, 6]));
    expect([...(await gradient.data())]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
