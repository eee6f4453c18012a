import {
  calibrate,
  FakeQuant,
  modelSize,
  quantizationNoise,
  quantizedWeights,
  quantizeModel,
  summary,
  summaryAsync,
} from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { displayOf } from '../../../../test/display';

beforeAll(() => useBackend('cpu'));

const model = () =>
  sequential({
    layers: [
      layers.dense({ name: 'a', units: 5, inputShape: [3], activation: 'relu' }),
      layers.batchNormalization({ name: 'norm' }),
      layers.dense({ name: 'b', units: 2 }),
    ],
  });

it('the size is Σ (ceil(n b / 8) + 4 steps) over kernels and 4 for everything else', async () => {
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

it('a step per channel and the step of the input count too', async () => {
  const quantized = await quantizeModel(model(), { bits: 3, firstLast: 'same', perChannel: true, activations: 4 });
  // a: 5 steps; b: 2 steps, and of its input p and s₀
  expect(modelSize(quantized).layers.map(({ quantizedBytes }) => quantizedBytes)).toEqual([
    6 + 20 + 20,
    80,
    4 + 8 + 8 + 8,
  ]);
});

it('a plain model has one size', () => {
  expect(modelSize(model())).toMatchObject({ floatBytes: 208, quantizedBytes: 208 });
});

it('the summary shows bits, steps, codes in use and bytes of every layer', async () => {
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

it('a notebook shows the size as a table, and the quantization noise too', async () => {
  const quantized = await quantizeModel(model(), { bits: 3, firstLast: 'same' });
  const rows = displayOf(modelSize(quantized)).plain.split('\n');
  expect(rows.slice(0, 4)).toEqual([
    'layer                      weights   bits  bytes in float  packed',
    'a (Dense)                       20      3              80      30',
    'norm (BatchNormalization)       20  float              80      80',
    'b (Dense)                       12      3              48      16',
  ]);
  // 208 / (30 + 80 + 16)
  expect(rows.at(-1)).toBe('208 bytes in float, 126 packed: 1.65 times smaller');
  const noise = await quantizationNoise(quantized);
  expect(displayOf(noise).plain.split('\n')[1]).toMatch(/^a\/kernel +3 +\d/);
  expect(noise).toHaveLength(2);
});

it('the summary shows FakeQuant layers with the step of what passes them', async () => {
  const plain = sequential({
    layers: [
      layers.dense({ name: 'a', units: 5, inputShape: [3] }),
      new FakeQuant({ name: 'between', bits: 3, signed: false, offset: true }),
      new FakeQuant({ name: 'given', bits: 4, init: 0.25, stepScale: 'absolute' }),
    ],
  });
  const quantized = await quantizeModel(plain, { bits: 4 });
  const rows = summary(quantized).split('\n');
  // p, s₀ and the offset are three numbers, an absolute step is one.
  expect(rows[3]).toMatch(/^between \(FakeQuant\) +3 unsigned +no data seen yet +0 → 12$/);
  expect(rows[4]).toMatch(/^given \(FakeQuant\) +4 +0\.2500 +0 → 4$/);
  await calibrate(quantized, tf.randomNormal([8, 3], 0, 1, 'float32', 1));
  expect(summary(quantized).split('\n')[3]).toMatch(/^between \(FakeQuant\) +3 unsigned +0\.\d+ +0 → 12$/);
});

it('a step that went through zero is marked', async () => {
  const quantized = await quantizeModel(model(), { bits: 2, firstLast: 'same', stepScale: 'absolute' });
  quantizedWeights(quantized)[0]!.step.assign(tf.scalar(-0.5));
  expect(summary(quantized)).toMatch(/kernel +\[3,5\] +2 +-0\.5000, crossed zero +\d of 4/);
});

it('summaryAsync gives the same table', async () => {
  const quantized = await quantizeModel(model(), { bits: 3, firstLast: 'same', perChannel: true, activations: 4 });
  await calibrate(quantized, tf.randomNormal([8, 3], 0, 1, 'float32', 1));
  expect(await summaryAsync(quantized)).toBe(summary(quantized));
});

it('both leave no tensor behind', async () => {
  const quantized = await quantizeModel(model(), { bits: 3, activations: 4 });
  const leaked = await leakedTensors(async () => {
    summary(quantized);
    await summaryAsync(quantized);
  });
  expect(leaked).toBe(0);
});
