import { quantizeModel, reestimateBatchNorm } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';

const normalized = () =>
  sequential({
    layers: [
      layers.batchNormalization({ name: 'norm', inputShape: [2] }),
      layers.dense({ name: 'fc', units: 3 }),
      layers.dropout({ rate: 0.9 }),
      layers.batchNormalization({ name: 'after' }),
    ],
  });

const moving = (model: LayersModel, layer: string) =>
  model
    .getLayer(layer)
    .weights.filter(({ originalName }) => originalName.includes('moving'))
    .map((weight) => Array.from(weight.read().dataSync()));

describe.each(backends)('reestimateBatchNorm on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('gives the means of the means and biased variances of the batches, however often it runs', async () => {
    const model = normalized();
    // Batches [[0, 1], [2, 5]] and [[10, 0], [20, 0]]: means (1, 3) and (15, 0), variances (1, 4) and (25, 0).
    const x = tf.tensor2d([0, 1, 2, 5, 10, 0, 20, 0], [4, 2]);
    for (let time = 0; time < 2; time++) {
      await reestimateBatchNorm(model, x, 50, { batchSize: 2 });
      expect(moving(model, 'norm')).toEqual([
        [8, 1.5],
        [13, 2],
      ]);
    }
    await reestimateBatchNorm(model, x, 1, { batchSize: 2 });
    expect(moving(model, 'norm')).toEqual([
      [1, 3],
      [1, 4],
    ]);
    // Dropout does not act: what goes into the second normalization is the dense layer of normalized inputs.
    const expected = tf.tidy(() => {
      const [kernel, bias] = model.getLayer('fc').getWeights() as [tf.Tensor2D, tf.Tensor];
      const inputs = tf.div(tf.sub(tf.slice(x, 0, 2), [1, 3]), tf.sqrt(tf.tensor1d([1.001, 4.001]))) as tf.Tensor2D;
      return tf.moments(tf.add(tf.matMul(inputs, kernel), bias), 0);
    });
    const [mean, variance] = moving(model, 'after');
    expected.mean.dataSync().forEach((value, i) => void expect(mean![i]).toBeCloseTo(value, 5));
    expected.variance.dataSync().forEach((value, i) => void expect(variance![i]).toBeCloseTo(value, 5));
    expect((model.getLayer('norm') as unknown as { momentum: number }).momentum).toBe(0.99);
  });
});

describe('reestimateBatchNorm', () => {
  beforeAll(() => useBackend('cpu'));

  it('of a quantized model moves the averages alone, and leaves no tensor', async () => {
    const model = await quantizeModel(normalized(), { bits: 4 });
    const x = tf.randomNormal([64, 2], 0, 1, 'float32', 1);
    const others = () =>
      model.weights
        .filter(({ originalName }) => !originalName.includes('moving'))
        .map((weight) => Array.from(weight.read().dataSync()));
    const before = others();
    expect(await leakedTensors(() => reestimateBatchNorm(model, x))).toBe(0);
    expect(others()).toEqual(before);
  });

  it('an abort, and an error on the way, leave everything as it was', async () => {
    const model = normalized();
    const x = tf.randomNormal([64, 2], 0, 1, 'float32', 1);
    const before = [moving(model, 'norm'), moving(model, 'after')];
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    const leaked = await leakedTensors(async () => {
      await expect(reestimateBatchNorm(model, x, 8, { batchSize: 8, signal: stop.signal, onProgress })).rejects.toThrow(
        'enough',
      );
      function* broken() {
        yield { xs: tf.ones([2, 2]) };
        throw new Error('no more');
      }
      await expect(reestimateBatchNorm(model, broken() as never)).rejects.toThrow('no more');
    });
    expect(leaked).toBe(0);
    expect([moving(model, 'norm'), moving(model, 'after')]).toEqual(before);
    expect((model.predict(x) as tf.Tensor).shape).toEqual([64, 3]);
  });

  it('rejects what does not fit', async () => {
    const plain = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })] });
    await expect(reestimateBatchNorm(plain, tf.ones([2, 2]))).rejects.toThrow(
      'reestimateBatchNorm: the model has no batch normalization',
    );
    await expect(reestimateBatchNorm(normalized(), tf.ones([2, 2]), 0)).rejects.toThrow(
      'batches must be a positive integer, got 0',
    );
    await expect(reestimateBatchNorm(normalized(), tf.ones([2, 3]))).rejects.toThrow('reestimateBatchNorm');
  });
});
