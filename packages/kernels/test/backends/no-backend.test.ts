import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';

const advice = /no backend to run on, none is registered; npm install @tensorflow\/tfjs-backend-wasm/;
const entries = {
  '@qgen/kernels/random': () => import('@qgen/kernels/random'),
  '@qgen/kernels/register': () => import('@qgen/kernels/register'),
  '@qgen/kernels': () => import('@qgen/kernels'),
};

it.each(Object.entries(entries))(
  '%s says what to install when a tensor is made without any backend',
  async (_, load) => {
    await load();
    expect(() => tf.tensor1d([1, 2])).toThrow(advice);
    expect(() => tf.fill([2], 3)).toThrow(advice);
    expect(() => tf.linspace(0, 1, 3)).toThrow(advice);
    expect(() => tf.range(0, 3)).toThrow(advice);
    expect(() => tf.variable(tf.zeros([2]))).toThrow(advice);
    expect(() => tf.memory()).toThrow(advice);
  },
);

it('without any backend tf.ready() rejects as it does in tfjs alone', async () => {
  expect(tf.engine().backendNames()).toEqual([]);
  await expect(tf.ready()).rejects.toThrow(/^No backend found in registry\.$/);
});

it('random numbers say what to install too', async () => {
  const { randomNormal } = await import('@qgen/kernels/random');
  expect(() => randomNormal([3], { seed: 1 })).toThrow(advice);
});

it('names a backend that is registered and does not start', async () => {
  tf.env().set('PROD', true); // without the warnings of tfjs
  tf.registerBackend('broken', () => {
    throw new Error('no device');
  });
  expect(() => tf.scalar(1)).toThrow(/no backend to run on, broken did not start; npm install/);
  await expect(tf.ready()).rejects.toThrow(/^Could not initialize any backends/);
  tf.removeBackend('broken');
});

it('leaves the field to a backend that is registered afterwards', async () => {
  expect(() => tf.scalar(1)).toThrow(advice);
  await import('@tensorflow/tfjs-backend-cpu');
  expect(tf.scalar(1).dataSync()).toEqual(new Float32Array([1]));
  expect(tf.getBackend()).toBe('cpu');
});
