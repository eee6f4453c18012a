import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';
import '@qgen/kernels';

it('a backend and the gradients of tfjs-layers that are imported later are served when the backend is started', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  await import('@tensorflow/tfjs-backend-wasm');
  await import('@tensorflow/tfjs-layers');
  await tf.setBackend('wasm');
  const x = tf.ones([1, 4, 4, 1]) as tf.Tensor4D;
  const filter = tf.ones([2, 2, 1, 1]) as tf.Tensor4D;
  const dw = tf.grad((w) => tf.sum(tf.conv2d(x, w as tf.Tensor4D, 1, 'valid', 'NHWC', 2)))(filter);
  expect([...dw.dataSync()]).toEqual([4, 4, 4, 4]);
  expect(warn.mock.calls.flat().filter((line) => /registered|[Oo]verrid/.test(String(line)))).toEqual([]);
  warn.mockRestore();
});
