import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tl from '@tensorflow/tfjs-layers';
import { expect, it, vi } from 'vitest';

const methods = ['flatten', 'reshape', 'sign', 'stridedSlice', 'transpose'];
const prototype = tf.Tensor.prototype as unknown as Record<string, unknown>;

it('tfjs-core alone lacks the methods that the orthogonal initializer of tfjs-layers calls', () => {
  expect(methods.filter((name) => name in prototype)).toEqual([]);
  expect(() => tl.initializers.orthogonal({}).apply([2, 2])).toThrow('flatten is not a function');
});

it('importing any entry of the package adds these, and nothing else', async () => {
  const before = Object.getOwnPropertyNames(prototype);
  await import('@qgen/kernels/random');
  const added = Object.getOwnPropertyNames(prototype).filter((name) => !before.includes(name));
  expect(added.sort()).toEqual(methods);
});

it('recurrent layers with the initializers that they have by default can be built', () => {
  for (const layer of [tl.layers.lstm, tl.layers.gru, tl.layers.simpleRNN]) {
    const model = tl.sequential({ layers: [layer({ units: 3, inputShape: [4, 2] })] });
    expect((model.predict(tf.ones([1, 4, 2])) as tf.Tensor).shape).toEqual([1, 3]);
  }
});

it.each([[[4, 4]], [[5, 3]], [[3, 5]]])('orthogonal matrices of shape %j are orthogonal', (shape) => {
  const q = tl.initializers.orthogonal({ seed: 1 }).apply(shape) as tf.Tensor2D;
  const [rows, columns] = shape as [number, number];
  const product = rows < columns ? tf.matMul(q, q, false, true) : tf.matMul(q, q, true);
  const distance = tf.max(tf.abs(tf.sub(product, tf.eye(Math.min(rows, columns)))));
  expect(distance.dataSync()[0]).toBeLessThan(1e-5);
});

it('the methods do what tfjs says that they do', () => {
  const x = tf.tensor2d([
    [1, -2, 3],
    [-4, 5, 0],
  ]) as unknown as Record<string, (...args: unknown[]) => tf.Tensor>;
  const values = (tensor: tf.Tensor) => [tensor.shape, [...tensor.dataSync()]];
  expect(values(x.flatten())).toEqual([[6], [1, -2, 3, -4, 5, 0]]);
  expect(values(x.reshape([3, 2]))).toEqual([
    [3, 2],
    [1, -2, 3, -4, 5, 0],
  ]);
  expect(values(x.sign())).toEqual([
    [2, 3],
    [1, -1, 1, -1, 1, 0],
  ]);
  expect(values(x.transpose())).toEqual([
    [3, 2],
    [1, -4, -2, 5, 3, 0],
  ]);
  expect(values(x.stridedSlice([0, 0], [2, 3], [1, 2]))).toEqual([
    [2, 2],
    [1, 3, -4, 0],
  ]);
});

it('a method that is there already stays', async () => {
  const own = () => 'own';
  Object.assign(prototype, { flatten: own });
  vi.resetModules();
  await import('@qgen/kernels/random');
  expect(prototype.flatten).toBe(own);
});
