import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { useBackend } from '../../test/backends';
import { chooseBits } from './choose-bits';

it('chooses bits that fit into the bytes of 3 bits each', { timeout: 120_000 }, async () => {
  await useBackend('wasm');
  const { rows, bits } = await chooseBits({ train: 200, test: 100, epochs: 1 });
  expect(tf.getBackend()).toBe('wasm');
  expect(Object.keys(bits)).toEqual(['conv1', 'conv2', 'dense1', 'dense2']);
  const [float, even, mixed] = rows;
  expect(even!.bytes).toBeLessThan(float!.bytes / 10);
  expect(mixed!.bytes).toBeLessThanOrEqual(even!.bytes);
  for (const { loss } of rows) expect(loss).toBeGreaterThan(0);
});
