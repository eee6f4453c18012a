import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { on } from './cpu-and-wasm';

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
  expect([...flags!.values]).toEqual([0, 1, 1, 1, 1]);
});

it('a cast to integers drops the fraction', async () => {
  const [integers] = await on('wasm', () => tf.cast(tf.tensor1d([1.9, -1.9]), 'int32'));
  expect([...integers!.values]).toEqual([1, -1]);
});

it('strings are cloned too', async () => {
  await tf.setBackend('wasm');
  expect(tf.clone(tf.tensor1d(['a', 'b'])).dataSync()).toEqual(['a', 'b']);
});
