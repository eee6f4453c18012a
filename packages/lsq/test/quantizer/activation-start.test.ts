import { calibrate, FakeQuant, initialStep, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, loadLayersModel, models, sequential } from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { activationQuantizers } from '../../src/model/activation-quantizers';
import { initialStepAndOffset } from '../../src/quantizer/step-size';

beforeAll(() => useBackend('cpu'));
afterEach(() => vi.restoreAllMocks());

const plain = () =>
  sequential({
    layers: [
      layers.dense({ units: 5, inputShape: [3], activation: 'relu' }),
      new FakeQuant({ bits: 4, signed: false, name: 'quant' }),
      layers.dense({ units: 4, activation: 'relu' }),
      layers.dense({ units: 2 }),
    ],
  });

const quantized = () => quantizeModel(plain(), { bits: 4, firstLast: 'same', activations: { bits: 3, offset: true } });

const x = () => tf.randomNormal([40, 3], 0, 1, 'float32', 1);
const predict = (model: LayersModel) => (model.predict(x()) as tf.Tensor).dataSync();
const states = (model: LayersModel) => activationQuantizers(model).map(({ quantizer }) => quantizer.initialized);
const steps = (model: LayersModel) => activationQuantizers(model).map(({ quantizer }) => quantizer.step.dataSync()[0]!);

async function train(model: LayersModel, scale = 1): Promise<void> {
  model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
  await model.trainOnBatch(tf.mul(x(), scale), tf.ones([40, 2]));
}

it('setWeights brings the steps of activations along: the copy predicts the same, and no batch starts them anew', async () => {
  const [a, b] = [await quantized(), await quantized()];
  await train(a);
  b.setWeights(a.getWeights());
  expect(predict(b)).toEqual(predict(a));
  expect(states(b)).toEqual(states(a));
  expect(states(b).every((state) => state)).toBe(true);
  b.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
  await b.trainOnBatch(tf.mul(x(), 100), tf.ones([40, 2]));
  expect(steps(b)).toEqual(steps(a));
});

it('so does a model made of JSON that was taken before training', async () => {
  const a = await quantized();
  const json = { modelTopology: JSON.parse(a.toJSON() as string) };
  await train(a);
  const b = await models.modelFromJSON(json);
  b.setWeights(a.getWeights());
  expect(predict(b)).toEqual(predict(a));
});

it('setWeights from a model that has seen no data takes the steps away', async () => {
  const [a, b] = [await quantized(), await quantized()];
  await train(a);
  a.setWeights(b.getWeights());
  expect(states(a).some((state) => state)).toBe(false);
  await train(a, 3);
  expect(states(a).every((state) => state)).toBe(true);
});

it('a prediction says once, for all layers, that their activations are in float', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const model = await quantized();
  predict(model);
  predict(model);
  await Promise.resolve();
  expect(warn.mock.calls.map(([message]) => message)).toEqual([
    expect.stringMatching(
      /the input of quant, dense_\S+, dense_\S+ is not quantized yet, .* call calibrate\(model, xs\)/,
    ),
  ]);
  await calibrate(model, x());
  predict(model);
  await Promise.resolve();
  expect(warn).toHaveBeenCalledTimes(1);
});

it("loading what 0.1 saved without data is refused, and what it saved with data keeps its steps as they were, 'absolute'", async () => {
  const old = (initialized: boolean) => {
    const settings = { bits: 4, signed: false, offset: false, init: 'lsq', boundary: 'strict', gradientScale: 'lsq' };
    return {
      modelTopology: {
        class_name: 'Sequential',
        config: {
          name: 'old',
          layers: [
            {
              class_name: 'FakeQuant',
              config: {
                name: 'q',
                trainable: true,
                batch_input_shape: [null, 2],
                ...settings,
                step_learning_rate: 1,
                initialized,
              },
            },
          ],
        },
      },
      weightSpecs: [{ name: 'q/step', shape: [], dtype: 'float32' as const }],
      weightData: new Float32Array([0.5]).buffer,
    };
  };
  const model = await loadLayersModel(tf.io.fromMemory(old(true)));
  expect([...(model.predict(tf.tensor2d([[0.6, -1]])) as tf.Tensor).dataSync()]).toEqual([0.5, 0]);
  await expect(loadLayersModel(tf.io.fromMemory(old(false)))).rejects.toThrow(/saved by @qgen\/lsq 0\.1 before/);
});

it('with an offset the start is the range of the data, s = (max - min) / (qp - qn), β = min - qn s, on a signed grid too', () => {
  // bits 3, signed: qn = -4, qp = 3, so 7 steps from -1 to 2.5 are 0.5 each, and code -4 stands for -1: β = -1 + 4 · 0.5
  const { step, offset } = initialStepAndOffset(tf.tensor1d([-1, 0.3, 2.5]), { bits: 3, init: 'lsq' });
  expect([step.dataSync()[0], offset.dataSync()[0]]).toEqual([0.5, 1]);
});

it("'mse' with an offset wins 5.4, 3.7 and 2.4 dB over the range on SiLU(N(0, 1)) at 2, 3 and 4 bits, and fits q to x", () => {
  const normal = tf.randomNormal([20000], 0, 1, 'float32', 5);
  const silu = tf.mul(normal, tf.sigmoid(normal));
  const noise = (bits: number, init: 'lsq' | 'mse') => {
    const { step, offset } = initialStepAndOffset(silu, { bits, signed: false, init });
    const q = tf.round(tf.clipByValue(tf.div(tf.sub(silu, offset), step), 0, 2 ** bits - 1));
    const error = tf.sub(tf.add(tf.mul(q, step), offset), silu);
    // At the fixed point the error is orthogonal to q and to 1.
    if (init === 'mse') expect(Math.abs(tf.mean(error).dataSync()[0]!)).toBeLessThan(1e-4);
    return 10 * Math.log10(tf.mean(tf.square(error)).dataSync()[0]!);
  };
  for (const [bits, gain] of [
    [2, 5],
    [3, 3.3],
    [4, 2],
  ] as const)
    expect(noise(bits, 'lsq') - noise(bits, 'mse')).toBeGreaterThan(gain);
});

it('the default start is the paper’s below 6 bits and fits from there on: 8 bits reach most of their codes', async () => {
  const model = await quantizeModel(plain(), {
    bits: 4,
    activations: 4,
    overrides: { '*': { activations: { modelInput: true } } },
  });
  const inits = activationQuantizers(model).map(({ quantizer: { settings } }) => [settings.bits, settings.init]);
  expect(inits).toEqual([
    [8, 'mse'],
    [4, 'lsq'],
    [4, 'lsq'],
    [8, 'mse'],
  ]);
  await calibrate(model, x());
  const [input] = activationQuantizers(model);
  // The largest of 120 normal numbers lies near 2.5; code 127 has to reach it, where 'lsq' would reach 17.
  expect(input!.quantizer.step.dataSync()[0]! * 127).toBeLessThan(4);
});

it('a large batch is looked at in 65,536 places, which give the step of all its elements within a tenth', async () => {
  const layer = new FakeQuant({ bits: 8, signed: false, inputShape: [1000] });
  const data = tf.abs(tf.randomNormal([1000, 1000], 0, 1, 'float32', 9));
  await calibrate(sequential({ layers: [layer] }), data, { batchSize: 1000 });
  const whole = initialStep(data, { bits: 8, signed: false, init: 'mse' }).dataSync()[0]!;
  expect(Math.abs(layer.quantizer!.step.dataSync()[0]! / whole - 1)).toBeLessThan(0.1);
});
