import { calibrate, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { leakedTensors, useBackend } from '../../../test/backends';
import { activationQuantizers } from '../src/activation-quantizers';

beforeAll(() => useBackend('cpu'));

const xs = () => tf.randomNormal([40, 3], 0, 1, 'float32', 1);

const quantized = (activations: Parameters<typeof quantizeModel>[1]['activations'] = 4) =>
  quantizeModel(
    sequential({
      layers: [
        layers.dense({ units: 5, inputShape: [3], activation: 'relu' }),
        layers.dropout({ rate: 0.5 }),
        layers.dense({ units: 2 }),
      ],
    }),
    { bits: 4, firstLast: 'same', activations },
  );

const states = (model: LayersModel) =>
  activationQuantizers(model).map(({ quantizer }) => [
    quantizer.initialized,
    ...quantizer.weights.map((weight) => weight.read().dataSync()[0]),
  ]);

test('sets every step to 2 mean|x| / sqrt(qp), averaged over the batches, without dropout', async () => {
  const model = await quantized();
  await calibrate(model, xs(), { batchSize: 10 });
  const hidden = tf.relu(model.layers[0]!.apply(xs()) as tf.Tensor);
  expect(states(model)[0]![1]).toBeCloseTo((2 * tf.mean(hidden).dataSync()[0]!) / Math.sqrt(15), 6);
});

test('an offset starts at the lowest value: s = (max - min) / (qp - qn), β = min - qn s', async () => {
  const model = await quantized({ bits: 3, offset: true });
  await calibrate(model, xs(), { batchSize: 40 });
  const hidden = model.layers[0]!.apply(xs()) as tf.Tensor;
  const [low, high] = [tf.min(hidden).dataSync()[0]!, tf.max(hidden).dataSync()[0]!];
  expect(states(model)[0]![1]).toBeCloseTo((high - low) / 7, 6);
  expect(states(model)[0]![2]).toBeCloseTo(low, 6);
});

test('reports its progress and leaks nothing', async () => {
  const model = await quantized();
  const x = xs();
  const seen: number[] = [];
  const leaked = await leakedTensors(() =>
    calibrate(model, x, { batchSize: 16, onProgress: (done, total) => seen.push(done / total) }),
  );
  expect(seen).toEqual([0.4, 0.8, 1]);
  expect(leaked).toBe(0);
});

test('on an abort or on NaN every step is as it was', async () => {
  const model = await quantized();
  const before = states(model);
  const abort = new AbortController();
  const onProgress = () => abort.abort(new Error('enough'));
  await expect(calibrate(model, xs(), { batchSize: 8, signal: abort.signal, onProgress })).rejects.toThrow('enough');
  expect(states(model)).toEqual(before);
  await expect(calibrate(model, tf.fill([8, 3], Number.NaN))).rejects.toThrow(
    /calibrate: the activations that go into layer dense\S* are not finite/,
  );
  expect(states(model)).toEqual(before);
});

test('a model without quantized activations, no examples and a bad batch size are refused', async () => {
  await expect(calibrate(await quantized(null), xs())).rejects.toThrow(/the model quantizes no activations/);
  await expect(calibrate(await quantized(), tf.zeros([0, 3]))).rejects.toThrow(/xs holds no examples/);
  await expect(calibrate(await quantized(), xs(), { batchSize: 0 })).rejects.toThrow(
    /batchSize must be an integer from 1 up/,
  );
});

test('a first training batch of zeros decides nothing, and one that is not finite is an error that names the step', async () => {
  const model = await quantized();
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const ys = tf.zeros([40, 2]);
  model.layers[0]!.setWeights(model.layers[0]!.getWeights().map((weight) => tf.zerosLike(weight)));
  await model.trainOnBatch(tf.zeros([40, 3]), ys);
  expect(states(model).every(([initialized]) => initialized)).toBe(false);

  const other = await quantized();
  other.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  await expect(other.trainOnBatch(tf.fill([40, 3], Number.POSITIVE_INFINITY), ys)).rejects.toThrow(
    /step.*: the first batch of activations is NaN or infinite/,
  );
});
