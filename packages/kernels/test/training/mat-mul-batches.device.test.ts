import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import '@qgen/kernels';

const numbers = (shape: readonly number[], phase: number) =>
  tf.tensor(
    Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => Math.sin(12.9898 * (i + 1) + phase)),
    [...shape],
  );

/** Batches of the left, of the right and of the product; the matrices are 2 × 3 and 3 × 4. */
const cases: [number[], number[], number[]][] = [
  [[5], [5], [5]],
  [[5], [1], [5]],
  [[5], [], [5]],
  [[], [5], [5]],
  [
    [5, 1],
    [1, 6],
    [5, 6],
  ],
  [
    [5, 1],
    [5, 6],
    [5, 6],
  ],
  [[6], [5, 6], [5, 6]],
  [
    [2, 1, 3],
    [4, 1],
    [2, 4, 3],
  ],
];

/** The sum over k of a[…, i, k] b[…, k, j], a batch of size 1 standing for all. */
function definition(a: Float32Array, b: Float32Array, [left, right, batches]: (typeof cases)[0]): number[] {
  const product: number[] = [];
  const total = batches.reduce((n, size) => n * size, 1);
  for (let batch = 0; batch < total; batch++) {
    const at = (own: number[]) => {
      let [index, stride, rest] = [0, 1, batch];
      for (let axis = batches.length - 1; axis >= 0; axis--) {
        const size = own[axis - batches.length + own.length] ?? 1;
        if (size > 1) index += stride * (rest % batches[axis]);
        stride *= size;
        rest = Math.floor(rest / batches[axis]);
      }
      return index;
    };
    const [p, q] = [6 * at(left), 12 * at(right)];
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 4; j++)
        product.push([0, 1, 2].reduce((sum, k) => sum + a[p + 3 * i + k] * b[q + 4 * k + j], 0));
  }
  return product;
}

describe.each(backends)('matrix products on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(cases)(
    'of batches %j and %j have batches %j, and gradients that sum over what is repeated',
    async (...sizes) => {
      const [left, right, batches] = sizes;
      const [a, b] = [numbers([...left, 2, 3], 1), numbers([...right, 3, 4], 2)];
      const product = tf.matMul(a, b);
      expect(product.shape).toEqual([...batches, 2, 4]);
      const expected = definition(await a.data<'float32'>(), await b.data<'float32'>(), sizes);
      const values = await product.data();
      for (const [i, value] of expected.entries()) expect(values[i]).toBeCloseTo(value, 5);

      const weights = numbers(product.shape, 3);
      const loss = (p: tf.Tensor, q: tf.Tensor) => tf.sum(tf.mul(tf.matMul(p, q), weights));
      const gradients = tf.grads((p, q) => loss(p, q))([a, b]);
      for (const [i, gradient] of gradients.entries()) {
        // Linear in each of the two: a difference over a large step is exact up to rounding.
        const direction = numbers([a, b][i].shape, 4);
        const moved = i === 0 ? loss(tf.add(a, direction), b) : loss(a, tf.add(b, direction));
        const [slope] = await tf.sub(moved, loss(a, b)).data();
        expect(gradient.shape).toEqual([a, b][i].shape);
        expect((await tf.sum(tf.mul(gradient, direction)).data())[0]).toBeCloseTo(slope, 4);
      }
    },
  );

  it('leave nothing behind', async () => {
    const [a, b] = [numbers([5, 1, 2, 3], 1), numbers([1, 6, 3, 4], 2)];
    const before = tf.backend().numDataIds();
    expect(await leakedTensors(() => tf.matMul(a, b).dispose())).toBe(0);
    expect(tf.backend().numDataIds()).toBe(before);
  });
});
