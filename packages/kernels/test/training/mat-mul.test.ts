import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectSame, numbers, on, withoutSimd, withPlainSimd } from '../cpu-and-wasm';

const size = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 70 }));

describe.each(['with the SIMD modules', 'with the plain one', 'without them'])('matrix products, %s', (name) => {
  if (name === 'without them') withoutSimd();
  else if (name === 'with the plain one') withPlainSimd();

  it('are those of the cpu backend, transposed or not, batched or repeated', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({ m: size, n: size, k: size, batch: fc.integer({ min: 1, max: 3 }) }),
        fc.record({ a: fc.boolean(), b: fc.boolean(), repeatA: fc.boolean(), repeatB: fc.boolean() }),
        ({ m, n, k, batch }, transpose) =>
          expectSame(() => {
            const a = numbers([transpose.repeatA ? 1 : batch, ...(transpose.a ? [k, m] : [m, k])], 1);
            const b = numbers([transpose.repeatB ? 1 : batch, ...(transpose.b ? [n, k] : [k, n])], 2);
            return tf.matMul(a, b, transpose.a, transpose.b);
          }),
      ),
      { numRuns: 150, seed: 8 },
    ));

  it.each([1, 2, 3, 4, 5, 10, 129])('of %i rows with a large matrix are too', (m) =>
    expectSame(() =>
      [
        [197, 203],
        [1100, 36],
        [33, 1040],
      ].flatMap(([k, n]) => [
        tf.matMul(numbers([m, k], 1), numbers([k, n], 2)),
        tf.matMul(numbers([m, k], 1), numbers([n, k], 2), false, true),
        tf.matMul(numbers([k, m], 1), numbers([k, n], 2), true),
        tf.matMul(numbers([k, m], 1), numbers([n, k], 2), true, true),
      ]),
    ),
  );

  it('deeper than a block of k are too', () =>
    expectSame(() => [
      tf.matMul(numbers([5, 1100], 1), numbers([1100, 9], 2)),
      tf.matMul(numbers([1100, 70], 1), numbers([1100, 9], 2), true),
    ]));

  it('take a bias and an activation', () =>
    expectSame(() =>
      (['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'prelu', 'leakyrelu'] as const).map((activation) =>
        tf.fused.matMul({
          a: numbers([6, 5], 1) as tf.Tensor2D,
          b: numbers([5, 7], 2) as tf.Tensor2D,
          bias: numbers([7], 3),
          activation,
          preluActivationWeights: activation === 'prelu' ? numbers([7], 4) : undefined,
          leakyreluAlpha: 0.3,
        }),
      ),
    ));

  it('read the same data in two shapes', () =>
    expectSame(() => {
      const b = numbers([1, 20], 1);
      const wide = tf.matMul(numbers([6, 1], 2), b);
      return [wide, tf.matMul(numbers([6, 20], 3), tf.reshape(b, [20, 1]))];
    }));

  it('over no element are zeros', async () => {
    const [zeros, none] = await on('wasm', () => [
      tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3])),
      tf.matMul(tf.zeros([0, 2]), tf.zeros([2, 3])),
    ]);
    expect([...zeros.values]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(none.shape).toEqual([0, 3]);
  });

  it('let NaN reach the row it is in', async () => {
    const [product] = await on('wasm', () =>
      tf.matMul(
        tf.tensor2d([
          [Number.NaN, 0],
          [1, 2],
        ]),
        tf.ones([2, 2]),
      ),
    );
    expect([...product.values]).toEqual([Number.NaN, Number.NaN, 3, 3]);
  });
});

it('integers and unknown activations are errors', async () => {
  const integers = tf.zeros([2, 2], 'int32');
  await expect(on('wasm', () => tf.matMul(integers, integers))).rejects.toThrow('matMul: a must be float32, got int32');
  await expect(
    on('wasm', () =>
      tf.engine().runKernel('_FusedMatMul', { a: tf.zeros([2, 2]), b: tf.zeros([2, 2]) }, { activation: 'cosine' }),
    ),
  ).rejects.toThrow('activation must be linear');
});
