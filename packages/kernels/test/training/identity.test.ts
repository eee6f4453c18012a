import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { on } from '../cpu-and-wasm';

it('a clone outlives the tensor it was made from', async () => {
  await tf.setBackend('wasm');
  const x = tf.tensor1d([1, 2, 3]);
  const [copy, casted] = [tf.clone(x), tf.cast(x, 'float32')];
  tf.dispose(x);
  tf.dispose(tf.fill([3], 9));
  tf.dispose(tf.fill([3], 9));
  expect([...copy.dataSync()]).toEqual([1, 2, 3]);
  tf.dispose(copy);
  expect([...casted.dataSync()]).toEqual([1, 2, 3]);
  tf.dispose(casted);
});

it('a cast to bool is x ≠ 0', async () => {
  const [flags] = await on('wasm', () => tf.cast(tf.cast(tf.tensor1d([0, 0.5, 256, -1, Number.NaN]), 'bool'), 'int32'));
  expect([...flags.values]).toEqual([0, 1, 1, 1, 1]);
});

it('a cast to integers drops the fraction', async () => {
  const [integers] = await on('wasm', () => tf.cast(tf.tensor1d([1.9, -1.9]), 'int32'));
  expect([...integers.values]).toEqual([1, -1]);
});

it('strings are cloned too', async () => {
  await tf.setBackend('wasm');
  expect(tf.clone(tf.tensor1d(['a', 'b'])).dataSync()).toEqual(['a', 'b']);
});

it('a transposition that moves nothing shares its data, also where axes of length 1 move', async () => {
  await tf.setBackend('wasm');
  const x = tf.tensor3d([1, 2, 3, 4, 5, 6], [2, 1, 3]);
  const before = tf.memory().numDataBuffers;
  const [same, turned] = [tf.transpose(x, [0, 1, 2]), tf.transpose(x, [1, 0, 2])];
  expect(tf.memory().numDataBuffers).toBe(before);
  expect(turned.shape).toEqual([1, 2, 3]);
  tf.dispose(x);
  expect([...turned.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
  tf.dispose(turned);
  expect([...same.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
  tf.dispose(same);
});

it('one that moves something moves it', async () => {
  const [turned] = await on('wasm', () => tf.transpose(tf.tensor3d([1, 2, 3, 4, 5, 6], [2, 1, 3]), [2, 1, 0]));
  expect(turned.shape).toEqual([3, 1, 2]);
  expect([...turned.values]).toEqual([1, 4, 2, 5, 3, 6]);
});
