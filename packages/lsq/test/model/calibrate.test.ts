import { calibrate, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import * as tfd from '@tensorflow/tfjs-data';
import {
  model as functional,
  input,
  type LayersModel,
  layers,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { activationQuantizers } from '../../src/model/activation-quantizers';

beforeAll(() => useBackend('cpu'));
afterEach(() => vi.restoreAllMocks());

const xs = () => tf.randomNormal([40, 3], 0, 1, 'float32', 1);

const float = () =>
  sequential({
    layers: [
      layers.dense({ name: 'a', units: 5, inputShape: [3], activation: 'relu' }),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ name: 'b', units: 2 }),
    ],
  });

const quantized = (activations: Parameters<typeof quantizeModel>[1]['activations'] = 4) =>
  quantizeModel(float(), { bits: 4, firstLast: 'same', activations });

/** A model that passes numbers on as they are and quantizes them at 4 bits, unsigned: qp = 15. */
const identity = async () => {
  const plain = sequential({ layers: [layers.dense({ name: 'a', units: 1, inputShape: [1], useBias: false })] });
  plain.setWeights([tf.tensor2d([[1]])]);
  const activations = { bits: 4, signed: false, modelInput: true };
  return quantizeModel(plain, { bits: 4, firstLast: 'same', activations });
};

const steps = (model: LayersModel) => activationQuantizers(model).map(({ quantizer }) => quantizer.step.dataSync()[0]!);
const states = (model: LayersModel) =>
  activationQuantizers(model).map(({ quantizer }) => [
    quantizer.initialized,
    ...quantizer.weights.map((weight) => weight.read().dataSync()[0]),
  ]);

it('sets every step to 2 mean|x| / sqrt(qp), averaged over the examples, without dropout', async () => {
  const model = await quantized();
  await calibrate(model, xs(), { batchSize: 10 });
  const hidden = tf.relu(model.layers[0]!.apply(xs()) as tf.Tensor);
  expect(steps(model)[0]).toBeCloseTo((2 * tf.mean(hidden).dataSync()[0]!) / Math.sqrt(15), 6);
});

it('a small last batch counts by its size: 33 examples as 32 + 1 give what they give at once', async () => {
  // 32 ones and a hundred: 2 (32 + 100) / 33 / sqrt(15). Counted alike, the batches would give 2 (1 + 100) / 2 / sqrt(15).
  const data = tf.tensor2d([...Array.from({ length: 32 }, () => [1]), [100]]);
  for (const batchSize of [32, 33, 5]) {
    const model = await identity();
    await calibrate(model, data, { batchSize });
    expect(steps(model)[0]).toBeCloseTo((2 * (32 + 100)) / 33 / Math.sqrt(15), 5);
  }
});

it("of starts by 'mse' the widest counts, so that no batch is clipped by the steps of others", async () => {
  // At 8 bits 'mse' reaches about as far as the data: to 4 for the first batch, to 1 for the second.
  const plain = sequential({ layers: [layers.dense({ name: 'a', units: 1, inputShape: [1], useBias: false })] });
  const large = tf.reshape(tf.range(0, 4, 1 / 16), [64, 1]);
  const data = tf.concat([large, tf.mul(large, 0.25)]);
  for (const offset of [false, true]) {
    const activations = { bits: 8, signed: false, offset, modelInput: true };
    const [both, first] = [
      await quantizeModel(plain, { bits: 8, activations }),
      await quantizeModel(plain, { bits: 8, activations }),
    ];
    await calibrate(both, data, { batchSize: 64 });
    await calibrate(first, large, { batchSize: 64 });
    expect(steps(both)[0]).toBeCloseTo(steps(first)[0]!, 4);
    expect(steps(both)[0]! * 255).toBeCloseTo(4, 0);
  }
});

it("with 'lsq+' an offset starts at the lowest value: s = (max - min) / (qp - qn), x̂ of it is itself", async () => {
  for (const stepScale of ['absolute', 'relative'] as const) {
    const model = await quantized({ bits: 3, offset: true, init: 'lsq+', stepScale });
    await calibrate(model, xs(), { batchSize: 40 });
    const hidden = model.layers[0]!.apply(xs()) as tf.Tensor;
    const [low, high] = [tf.min(hidden).dataSync()[0]!, tf.max(hidden).dataSync()[0]!];
    expect(steps(model)[0]).toBeCloseTo((high - low) / 7, 6);
    const [{ quantizer }] = activationQuantizers(model) as [ReturnType<typeof activationQuantizers>[0]];
    const ends = quantizer.apply(tf.tensor1d([low, high, low - 1]), false).dataSync();
    expect(ends[0]).toBeCloseTo(low, 5);
    expect(ends[1]).toBeCloseTo(high, 5);
    expect(ends[2]).toBeCloseTo(low, 5);
  }
});

describe('a layer that sees zeros', () => {
  it('in some batches starts from the others', async () => {
    const model = await identity();
    const data = tf.concat([tf.zeros([8, 1]), tf.ones([8, 1])]) as tf.Tensor;
    await calibrate(model, data, { batchSize: 8 });
    expect(steps(model)[0]).toBeCloseTo(2 / Math.sqrt(15), 6);
  });

  it('in all of them has no step, and a warning names it', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const model = await identity();
    await calibrate(model, tf.zeros([8, 1]));
    expect(states(model)[0]![0]).toBe(false);
    expect(warn.mock.calls.map(([message]) => message)).toEqual([
      expect.stringMatching(/^calibrate: the input of a is 0 in all 8 examples, so that its step could not be set/),
    ]);
  });

  it('keeps the step that it had', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const model = await identity();
    await calibrate(model, tf.ones([8, 1]));
    const before = states(model);
    await calibrate(model, tf.zeros([8, 1]));
    expect(states(model)).toEqual(before);
  });
});

describe('the examples come', () => {
  const rows = () => Array.from({ length: 12 }, (_, i) => [i, -i, 1]);
  const reference = async () => {
    const model = await quantizeModel(shared, { bits: 4, firstLast: 'same', activations: 4 });
    await calibrate(model, tf.tensor2d(rows()), { batchSize: 4 });
    return steps(model);
  };
  let shared: LayersModel;
  beforeAll(() => {
    shared = float();
  });

  it.each([
    ['as nested numbers', () => rows()],
    ['as a tensor in an array', () => [tf.tensor2d(rows())]],
    ['as { xs } with labels', () => ({ xs: rows(), ys: rows().map(() => 1) })],
    ['as typed numbers', () => ({ xs: Float32Array.from(rows().flat()), shape: [3] })],
    ['as a dataset of batches', () => tfd.array(rows()).batch(4)],
    ['as a dataset of single examples', () => tfd.array(rows().map((row) => tf.tensor1d(row)))],
    [
      'as a dataset with labels',
      () => tfd.array(rows().map((row) => ({ xs: tf.tensor1d(row), ys: tf.scalar(1) }))).batch(4),
    ],
  ])('%s', async (_, data) => {
    const model = await quantizeModel(shared, { bits: 4, firstLast: 'same', activations: 4 });
    await calibrate(model, data() as never, { batchSize: 4 });
    (await reference()).forEach((step, i) => void expect(steps(model)[i]).toBeCloseTo(step, 6));
  });

  it('for several inputs, one tensor each', async () => {
    const [left, right] = [input({ shape: [2] }), input({ shape: [3] })];
    const joined = layers.concatenate().apply([left, right]) as SymbolicTensor;
    const plain = functional({
      inputs: [left, right],
      outputs: layers.dense({ units: 2 }).apply(joined) as SymbolicTensor,
    });
    const model = await quantizeModel(plain, { bits: 4, activations: { bits: 4, modelInput: true } });
    await calibrate(model, [tf.ones([6, 2]), tf.ones([6, 3])]);
    expect(states(model).every(([initialized]) => initialized)).toBe(true);
    await expect(calibrate(model, [tf.ones([6, 2]), tf.ones([5, 3])])).rejects.toThrow(
      /calibrate: the inputs must have as many examples each, got 6 and 5/,
    );
    await expect(calibrate(model, tf.ones([6, 2]))).rejects.toThrow(
      /calibrate: xs must be an array of 2 tensors, one for each input, got an object/,
    );
    await expect(calibrate(model, [tf.ones([6, 2])])).rejects.toThrow(
      /calibrate: the model has 2 inputs, got tensors for 1/,
    );
  });

  it('from a dataset that is empty, or yields something else: an error', async () => {
    const model = await quantized();
    await expect(calibrate(model, tfd.array([]) as never)).rejects.toThrow(/calibrate: the data hold no example/);
    await expect(calibrate(model, tfd.array([1, 2]) as never)).rejects.toThrow(
      /calibrate: every batch must be \{ xs \}, got 1/,
    );
  });
});

it('reports examples done of all, of a dataset without knowing how many, and leaks nothing', async () => {
  const model = await quantized();
  const x = xs();
  const seen: unknown[] = [];
  const onProgress = (progress: unknown) => void seen.push(progress);
  const leaked = await leakedTensors(async () => {
    await calibrate(model, x, { batchSize: 16, onProgress });
    await calibrate(model, x.arraySync() as number[][], { onProgress });
    await calibrate(model, tfd.array(x.arraySync() as number[][]).batch(7) as never, { onProgress });
  });
  expect(seen).toContainEqual({ done: 0, total: 40 });
  expect(seen).toContainEqual({ done: 40, total: 40 });
  expect(seen.at(-1)).toEqual({ done: 40, total: null });
  expect(leaked).toBe(0);
});

it('on an abort or on NaN every step is as it was, and nothing is left behind', async () => {
  const model = await quantized();
  await calibrate(model, tf.ones([4, 3]));
  const before = states(model);
  const [x, bad] = [xs(), tf.fill([8, 3], Number.NaN)];
  const leaked = await leakedTensors(async () => {
    const abort = new AbortController();
    const onProgress = () => abort.abort(new Error('enough'));
    await expect(calibrate(model, x, { batchSize: 8, signal: abort.signal, onProgress })).rejects.toThrow('enough');
    expect(states(model)).toEqual(before);
    await expect(calibrate(model, bad)).rejects.toThrow(
      /calibrate: the activations that go into layer b are not finite/,
    );
    await expect(
      calibrate(
        model,
        tfd
          .array([
            [1, 2, 3],
            [1, 2, Number.NaN],
          ])
          .batch(1) as never,
      ),
    ).rejects.toThrow(/not finite/);
    expect(states(model)).toEqual(before);
  });
  expect(leaked).toBe(0);
});

it('a batch normalization that was never trained is named, one that was is not', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const plain = sequential({
    layers: [
      layers.dense({ units: 4, inputShape: [3] }),
      layers.batchNormalization({ name: 'norm' }),
      layers.dense({ units: 2 }),
    ],
  });
  const model = await quantizeModel(plain, { bits: 4, activations: 4 });
  await calibrate(model, xs());
  expect(warn.mock.calls.map(([message]) => message)).toEqual([
    expect.stringMatching(/^calibrate: norm has never been trained \(moving mean 0, moving variance 1\)/),
  ]);
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  await model.trainOnBatch(xs(), tf.zeros([40, 2]));
  await calibrate(model, xs());
  expect(warn).toHaveBeenCalledTimes(1);
});

it('it gives the event loop its turns', async () => {
  const wide = sequential({
    layers: [layers.dense({ units: 300, inputShape: [300] }), layers.dense({ units: 300 }), layers.dense({ units: 3 })],
  });
  const model = await quantizeModel(wide, { bits: 8, activations: 8 });
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await calibrate(model, tf.randomNormal([256, 300], 0, 1, 'float32', 1), { batchSize: 16 });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(2);
});

it('a first training batch of zeros decides nothing, and one that is not finite is an error that names the step', async () => {
  const model = await quantized();
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const ys = tf.zeros([40, 2]);
  model.layers[0]!.setWeights(model.layers[0]!.getWeights().map((weight) => tf.zerosLike(weight)));
  await model.trainOnBatch(tf.zeros([40, 3]), ys);
  expect(states(model).every(([initialized]) => initialized)).toBe(false);

  const other = await quantized();
  other.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  await expect(other.trainOnBatch(tf.fill([40, 3], Number.POSITIVE_INFINITY), ys)).rejects.toThrow(
    /^@qgen\/lsq: the input of layer b is NaN or infinite in its first batch/,
  );
});
