import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { expectSame, numbers, on } from '../cpu-and-wasm';

it('picks along any axis as the cpu backend does', () =>
  expectSame(() => {
    const x = numbers([4, 5, 20], 1);
    const indices = tf.tensor1d([3, 0, 3, 1], 'int32');
    return [
      tf.gather(x, indices),
      tf.gather(x, indices, 1),
      tf.gather(x, indices, 2),
      tf.gather(
        x,
        tf.tensor2d(
          [
            [0, 1],
            [3, 2],
          ],
          [2, 2],
          'int32',
        ),
        1,
      ),
      tf.gather(
        numbers([2, 3, 4], 2),
        tf.tensor2d(
          [
            [0, 2],
            [1, 1],
          ],
          [2, 2],
          'int32',
        ),
        1,
        1,
      ),
      tf.gather(tf.cast(x, 'bool'), indices),
      tf.gather(numbers([7], 3), tf.scalar(4, 'int32')),
    ];
  }, 0));

it('gives nothing for no index', async () => {
  const [rows] = await on('wasm', () => tf.gather(numbers([4, 5], 1), tf.tensor1d([], 'int32')));
  expect(rows.shape).toEqual([0, 5]);
});

it('an index outside is an error', async () => {
  const pick = (index: number) => on('wasm', () => tf.gather(tf.zeros([4, 2]), tf.tensor1d([index], 'int32')));
  await expect(pick(4)).rejects.toThrow("gather: an index must be from 0 to 3, the axis's last, got 4");
  await expect(pick(-1)).rejects.toThrow(RangeError);
});
