import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import '@qgen/kernels';

const numbers = (n: number, phase: number) => Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1) + phase));

/** For windows of `length` at every `stride` along `size` pixels: which pixels each one covers, padded as TensorFlow does. */
function windows(size: number, length: number, stride: number, pad: 'same' | 'valid'): number[][] {
  const count = pad === 'same' ? Math.ceil(size / stride) : Math.floor((size - length) / stride) + 1;
  const before = pad === 'same' ? Math.floor(Math.max(0, (count - 1) * stride + length - size) / 2) : 0;
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length }, (_, k) => i * stride - before + k).filter((at) => at >= 0 && at < size),
  );
}

/** y: the mean of every window over its pixels. dx: at every pixel, the sum of dy / (pixels of the window) over windows. */
function definition(sizes: number[], length: number[], stride: number[], pad: 'same' | 'valid', x: number[]) {
  const along = sizes.map((size, axis) => windows(size, length[axis], stride[axis], pad));
  const shape = along.map((places) => places.length);
  const all = (parts: number[][]): number[][] =>
    parts.reduce<number[][]>((list, part) => list.flatMap((head) => part.map((at) => [...head, at])), [[]]);
  const position = (at: number[]) => at.reduce((sum, i, axis) => sum * sizes[axis] + i, 0);
  const cells = all(shape.map((n) => Array.from({ length: n }, (_, i) => i)));
  const y: number[] = [];
  const dy = numbers(cells.length, 3);
  const dx = new Array<number>(x.length).fill(0);
  for (const [cell, at] of cells.entries()) {
    const pixels = all(at.map((i, axis) => along[axis][i])).map(position);
    y.push(pixels.reduce((sum, pixel) => sum + x[pixel], 0) / pixels.length);
    for (const pixel of pixels) dx[pixel] += dy[cell] / pixels.length;
  }
  return { shape, y, dy, dx };
}

/** Sizes, window, stride, padding; the first is that of 4 × 4 pixels, where dividing by nine gives .14 for .48. */
const cases: [number[], number[], number[], 'same' | 'valid'][] = [
  [[4, 4], [3, 3], [2, 2], 'same'],
  [[6, 5], [3, 2], [2, 1], 'same'],
  [[5, 7], [4, 4], [3, 3], 'same'],
  [[5, 5], [2, 3], [1, 2], 'valid'],
  [[4, 5, 4], [3, 2, 3], [2, 2, 2], 'same'],
  [[3, 4, 5], [2, 3, 2], [1, 1, 2], 'same'],
  [[4, 4, 4], [2, 2, 2], [2, 1, 1], 'valid'],
];

describe.each(backends)('average pooling on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(cases)('of %j pixels, window %j, stride %j, %s: value and gradient', async (sizes, length, stride, pad) => {
    const x = numbers(
      sizes.reduce((a, b) => a * b),
      1,
    );
    const { shape, y, dy, dx } = definition(sizes, length, stride, pad, x);
    const pool = (image: tf.Tensor) =>
      sizes.length === 2
        ? tf.avgPool(image as tf.Tensor4D, length as [number, number], stride as [number, number], pad)
        : tf.avgPool3d(
            image as tf.Tensor5D,
            length as [number, number, number],
            stride as [number, number, number],
            pad,
          );
    const image = tf.tensor(x, [1, ...sizes, 1]);
    const pooled = pool(image);
    expect(pooled.shape).toEqual([1, ...shape, 1]);
    const gradient = tf.grad((given) => tf.sum(tf.mul(pool(given), tf.tensor(dy, [1, ...shape, 1]))))(image);
    const [values, slopes] = [await pooled.data(), await gradient.data()];
    for (const [i, value] of y.entries()) expect(values[i]).toBeCloseTo(value, 5);
    for (const [i, value] of dx.entries()) expect(slopes[i]).toBeCloseTo(value, 5);
  });
});
