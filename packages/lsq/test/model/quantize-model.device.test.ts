import {
  calibrate,
  exportQuantized,
  loadQuantized,
  noiseRegularizer,
  quantizationNoise,
  quantizedWeights,
  quantizeModel,
  summary,
  summaryAsync,
} from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';

// As computed on cpu; a backend that divides otherwise may round a code to its neighbour.
const LOSSES = [1.161196, 1.149333, 1.140089];

const net = () =>
  sequential({
    layers: [
      layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3, activation: 'relu', inputShape: [6, 6, 2] }),
      layers.flatten(),
      layers.dense({ name: 'dense', units: 3, activation: 'softmax' }),
    ],
  });

/** The same weights and data on every backend. */
function wave(shape: number[], phase: number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => 0.4 * Math.sin(1.7 * i + phase)),
    shape,
  );
}

async function predict(model: LayersModel): Promise<number[]> {
  const output = model.predict(wave([5, 6, 6, 2], 3)) as tf.Tensor;
  const values = [...(await output.data())];
  output.dispose();
  return values;
}

describe.each(backends)('a quantized model on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('trains like on any other backend: three losses as cpu gives them, within 1e-4', async () => {
    const model = net();
    model.setWeights(model.getWeights().map((weight, i) => wave(weight.shape, i)));
    const quantized = await quantizeModel(model, { bits: 4, firstLast: 'same', activations: 4 });
    quantized.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'categoricalCrossentropy' });
    const ys = tf.oneHot(tf.tensor1d([0, 1, 2, 1, 0], 'int32'), 3);
    const losses: number[] = [];
    for (let step = 0; step < 3; step++)
      losses.push((await quantized.trainOnBatch(wave([5, 6, 6, 2], 7), ys)) as number);
    LOSSES.forEach((expected, step) => void expect(Math.abs(losses[step]! - expected)).toBeLessThan(1e-4));
  });

  it('takes its weights and steps from another by setWeights, and quantizes at once', async () => {
    const [a, b] = [net(), net()].map((model) =>
      quantizeModel(model, { bits: 4, activations: { bits: 3, offset: true }, firstLast: 'same' }),
    );
    const [from, to] = [await a!, await b!];
    await calibrate(from, wave([5, 6, 6, 2], 1));
    to.setWeights(from.getWeights());
    expect(await predict(to)).toEqual(await predict(from));
    // Once more when the answer to whether there is a step has arrived.
    expect(await predict(to)).toEqual(await predict(from));
  });

  it('moves a relative step under Adam by the rate times its start', async () => {
    const quantized = await quantizeModel(net(), { bits: 4, firstLast: 'same' });
    const { step } = quantizedWeights(quantized)[0]!;
    const [before] = await step.data();
    quantized.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
    await quantized.trainOnBatch(wave([5, 6, 6, 2], 7), tf.oneHot(tf.tensor1d([0, 1, 2, 1, 0], 'int32'), 3));
    const [after] = await step.data();
    expect(Math.abs(after! / before! - 1)).toBeCloseTo(0.01, 4);
  });

  it('sums the noise of nine kernels in noiseRegularizer as cpu does', async () => {
    const regularizer = async () => {
      const deep = sequential({
        layers: Array.from({ length: 9 }, (_, i) => layers.dense({ units: 3, ...(i === 0 && { inputShape: [3] }) })),
      });
      deep.setWeights(deep.getWeights().map((weight, i) => wave(weight.shape, i)));
      const quantized = await quantizeModel(deep, { bits: 3, firstLast: 'same' });
      return (await noiseRegularizer(quantized, wave([8, 3], 1))).regularizer;
    };
    await useBackend('cpu');
    const expected = await regularizer();
    await useBackend(backend);
    expect((await regularizer()) / expected).toBeCloseTo(1, 3);
  });

  it('is calibrated, measured, shown, exported and loaded', async () => {
    const quantized = await quantizeModel(net(), { bits: 3, activations: 8, init: 'mse', perChannel: true });
    await calibrate(quantized, wave([5, 6, 6, 2], 1));
    const expected = await predict(quantized);
    for (const { largestResidual } of await quantizationNoise(quantized)) expect(largestResidual).toBeLessThan(0.501);
    expect(summary(quantized)).toContain('conv (Conv2D)');
    // The step of what goes into the dense layer, which only waiting shows on a GPU.
    expect(await summaryAsync(quantized)).toMatch(/ {2}input +8 unsigned +\d+\.\d+/);
    expect(quantizedWeights(quantized).map(({ step }) => step.size)).toEqual([4, 3]);
    const loaded = await loadQuantized(tf.io.fromMemory(await exportQuantized(quantized, { format: 'packed' })));
    const actual = await predict(loaded);
    actual.forEach((value, i) => void expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5));
  });
});
