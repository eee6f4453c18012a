import { modelSize, quantizeModel, summary } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../../test/backends';

beforeAll(() => useBackend('cpu'));

const model = () =>
  sequential({
    layers: [
      layers.dense({ name: 'a', units: 5, inputShape: [3], activation: 'relu' }),
      layers.batchNormalization({ name: 'norm' }),
      layers.dense({ name: 'b', units: 2 }),
    ],
  });

test('the size is Σ (ceil(n b / 8) + 4 steps) over kernels and 4 for everything else', async () => {
  // a: 15 weights of 3 bits = 6 bytes, 1 step, 5 biases; norm: 20 floats; b: 10 weights of 3 bits = 4 bytes, 1 step, 2 biases
  const quantized = await quantizeModel(model(), { bits: 3, firstLast: 'same' });
  const size = modelSize(quantized);
  expect(size.layers.map(({ layer, quantizedBytes }) => [layer, quantizedBytes])).toEqual([
    ['a', 6 + 4 + 20],
    ['norm', 80],
    ['b', 4 + 4 + 8],
  ]);
  expect(size.floatBytes).toBe(4 * (15 + 5 + 20 + 10 + 2));
  expect(size.quantizedBytes).toBe(30 + 80 + 16);
});

test('a step per channel and the step of the input count too', async () => {
  const quantized = await quantizeModel(model(), { bits: 3, firstLast: 'same', perChannel: true, activations: 4 });
  // a: 5 steps; b: 2 steps and the step of its input
  expect(modelSize(quantized).layers.map(({ quantizedBytes }) => quantizedBytes)).toEqual([
    6 + 20 + 20,
    80,
    4 + 8 + 8 + 4,
  ]);
});

test('a plain model has one size', () => {
  expect(modelSize(model())).toMatchObject({ floatBytes: 208, quantizedBytes: 208 });
});

test('the summary shows bits, steps, codes in use and bytes of every layer', async () => {
  const quantized = await quantizeModel(model(), { bits: 2, firstLast: 'same', activations: 4, init: 0.5 });
  quantized.getLayer('a').weights[0]!.write(tf.fill([3, 5], 0.6));
  const lines = summary(quantized).split('\n');
  expect(lines[0]).toMatch(/^layer +weights +bits +step +codes in use +bytes$/);
  expect(lines[1]).toMatch(/^a \(Dense\) +20 +2 +80 → 28$/);
  expect(lines[2]).toMatch(/^ {2}kernel +\[3,5\] +2 +0\.5000 +1 of 4$/);
  expect(lines[3]).toMatch(/^norm \(BatchNormalization\) +20 +float +80 → 80$/);
  expect(lines[6]).toMatch(/^ {2}input +4 +no data seen yet$/);
  expect(lines.at(-1)).toMatch(/^208 bytes in float, \d+ packed: [\d.]+ times smaller$/);
});
