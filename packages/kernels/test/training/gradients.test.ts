import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { numbers } from '../cpu-and-wasm';

/** Compares the gradients of a smooth loss with central differences along a direction, an argument at a time. */
function expectSlopes(f: (...given: tf.Tensor[]) => tf.Tensor, given: readonly tf.Tensor[], step = 1e-2): void {
  const loss = (...arguments_: tf.Tensor[]) => {
    const y = f(...arguments_);
    return tf.sum(tf.mul(y, numbers(y.shape, 5)));
  };
  const gradients = tf.grads(loss)([...given]);
  given.forEach((tensor, k) => {
    expect(gradients[k].shape).toEqual(tensor.shape);
    const direction = numbers(tensor.shape, 7);
    const at = (t: number) =>
      loss(...given.map((other, i) => (i === k ? tf.add(other, tf.mul(direction, t)) : other))).dataSync()[0];
    const slope = (at(step) - at(-step)) / (2 * step);
    const found = tf.sum(tf.mul(gradients[k], direction)).dataSync()[0];
    expect(Math.abs(found - slope)).toBeLessThan(2e-3 * Math.max(1, Math.abs(slope)));
  });
}

describe.each(['cpu', 'wasm'])('on %s the gradient agrees with finite differences', (backend) => {
  const check = (name: string, work: () => void) =>
    it(name, async () => {
      await tf.setBackend(backend);
      tf.tidy(() => void work());
    });

  for (const dilation of [2, 3, [1, 2]] as const)
    for (const pad of ['same', 'valid', 1] as const)
      check(`of a convolution with dilation ${dilation} and padding ${pad}`, () => {
        const dilations = typeof dilation === 'number' ? dilation : ([...dilation] as [number, number]);
        expectSlopes(
          (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, pad, 'NHWC', dilations),
          [numbers([2, 9, 8, 2], 1), numbers([3, 2, 2, 3], 2)],
        );
        expectSlopes(
          (x, filter) => tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, pad, 'NHWC', dilations),
          [numbers([2, 9, 8, 2], 1), numbers([3, 2, 2, 2], 2)],
        );
      });

  check('of a 3-D transposed convolution', () =>
    expectSlopes(
      (x, filter) => tf.conv3dTranspose(x as tf.Tensor5D, filter as tf.Tensor5D, [1, 4, 4, 4, 2], [2, 2, 2], 'valid'),
      [numbers([1, 2, 2, 2, 3], 1), numbers([2, 2, 2, 2, 3], 2)],
    ),
  );

  check('of a batch normalization over the last axis', () =>
    expectSlopes(
      (x, mean, variance, offset, scale) =>
        tf.batchNorm(
          x,
          mean as tf.Tensor1D,
          tf.square(variance) as tf.Tensor1D,
          offset as tf.Tensor1D,
          scale as tf.Tensor1D,
          0.5,
        ),
      [numbers([2, 3, 3, 4], 1), ...[2, 3, 4, 5].map((seed) => numbers([4], seed))],
    ),
  );

  check('of a normalization with a statistic for every element', () =>
    expectSlopes(
      (x, mean, variance, offset, scale) =>
        tf.batchNorm(
          x as tf.Tensor2D,
          mean as tf.Tensor2D,
          tf.square(variance) as tf.Tensor2D,
          offset as tf.Tensor2D,
          scale as tf.Tensor2D,
          0.5,
        ),
      [1, 2, 3, 4, 5].map((seed) => numbers([2, 3], seed)),
    ),
  );

  check('of an upsampling by copies and of one by interpolation', () => {
    expectSlopes((x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [6, 8]), [numbers([3, 3, 2, 2], 1)]);
    expectSlopes((x) => tf.image.resizeBilinear(x as tf.Tensor4D, [6, 8]), [numbers([3, 3, 2, 2], 1)]);
    expectSlopes((x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [5, 7], true), [numbers([2, 3, 2, 2], 1)]);
    for (const shape of [
      [2, 1, 4, 2],
      [2, 4, 1, 2],
      [2, 1, 1, 2],
    ] as const)
      expectSlopes((x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [3, 5], true), [numbers([...shape], 1)]);
  });
});

it('a comparison passes nothing back', async () => {
  await tf.setBackend('wasm');
  const x = tf.tensor1d([0.5, 2]);
  const gradient = tf.grad((v: tf.Tensor) => tf.sum(tf.mul(v, tf.cast(tf.greater(v, 1), 'float32'))))(x);
  expect([...gradient.dataSync()]).toEqual([0, 1]);
});
