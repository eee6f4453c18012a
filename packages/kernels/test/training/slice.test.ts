import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { expectSame, numbers, on } from '../cpu-and-wasm';

const axes = fc.array(
  fc.integer({ min: 1, max: 7 }).chain((whole) =>
    fc.integer({ min: 0, max: whole - 1 }).chain((begin) =>
      fc.record({
        whole: fc.constant(whole),
        begin: fc.constant(begin),
        size: fc.integer({ min: 0, max: whole - begin }),
        times: fc.integer({ min: 1, max: 3 }),
      }),
    ),
  ),
  { minLength: 1, maxLength: 5 },
);

it('slices, splits, unstacked and tiled tensors are those of the cpu backend', () =>
  fc.assert(
    fc.asyncProperty(axes, fc.nat(), async (dimensions, chosen) => {
      const axis = chosen % dimensions.length;
      const shape = dimensions.map(({ whole }) => whole);
      await expectSame(() => {
        const x = numbers(shape, 1);
        const part = tf.slice(
          x,
          dimensions.map(({ begin }) => begin),
          dimensions.map(({ size }) => size),
        );
        const { begin, whole } = dimensions[axis];
        return [
          part,
          ...tf.split(x, [begin, whole - begin], axis),
          ...tf.unstack(x, axis),
          tf.tile(
            x,
            dimensions.map(({ times }) => times),
          ),
          tf.tile(
            tf.cast(x, 'bool'),
            dimensions.map(({ times }) => times),
          ),
          tf.slice(tf.cast(tf.mul(x, 100), 'int32'), begin > 0 && axis === 0 ? begin : 0),
        ];
      }, 0);
    }),
    { numRuns: 150, seed: 7 },
  ));

it('large runs are copied as small ones', () =>
  expectSame(() => {
    const x = numbers([6, 5, 40], 1);
    return [tf.slice(x, [1, 2, 3], [4, 2, 30]), tf.slice(x, [2, 0, 0], [3, 5, 40]), tf.tile(x, [2, 1, 3])];
  }, 0));

it('a part beyond the tensor is an error', async () => {
  await expect(on('wasm', () => tf.slice(tf.zeros([3]), [2], [2]))).rejects.toThrow();
});
