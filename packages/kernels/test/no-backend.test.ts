import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import '@qgen/kernels';

const advice = /no backend to run on, none is registered; npm install @tensorflow\/tfjs-backend-wasm/;

it('says what to install when a tensor is made without any backend', () => {
  expect(() => tf.tensor1d([1, 2])).toThrow(advice);
  expect(() => tf.fill([2], 3)).toThrow(advice);
  expect(() => tf.linspace(0, 1, 3)).toThrow(advice);
  expect(() => tf.range(0, 3)).toThrow(advice);
  expect(() => tf.variable(tf.zeros([2]))).toThrow(advice);
  expect(() => tf.memory()).toThrow(advice);
});

it('names a backend that is registered and does not start', () => {
  tf.env().set('PROD', true); // without the warnings of tfjs
  tf.registerBackend('broken', () => {
    throw new Error('no device');
  });
  expect(() => tf.scalar(1)).toThrow(/no backend to run on, broken did not start; npm install/);
  tf.removeBackend('broken');
});

it('leaves the field to a backend that is registered afterwards', async () => {
  expect(() => tf.scalar(1)).toThrow(advice);
  await import('@tensorflow/tfjs-backend-cpu');
  expect(tf.scalar(1).dataSync()).toEqual(new Float32Array([1]));
  expect(tf.getBackend()).toBe('cpu');
});
