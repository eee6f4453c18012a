import { calibrate, dequantizeModel, exportQuantized, loadQuantized, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import { inputsOf, modelKinds, predictions, targetsOf } from '../model-kinds';
import { saved } from '../saved';

const one = <T>(list: readonly T[]) => (list.length === 1 ? list[0]! : [...list]) as T;

describe.each(backends)('quantizeModel on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  describe.each(modelKinds)('with $kind', (kind) => {
    const setup = async (options: Partial<Parameters<typeof quantizeModel>[1]> = {}) => {
      const model = kind.build();
      const xs = inputsOf(kind);
      const quantized = await quantizeModel(model, { bits: 3, firstLast: 'same', ...options });
      return { model, xs, quantized };
    };

    it('finds every kernel and leaves the model as it was', async () => {
      const model = kind.build();
      const xs = inputsOf(kind);
      const before = await predictions(model, xs);
      const quantized = await quantizeModel(model, { bits: 3, firstLast: 'same' });
      expect(quantizedWeights(quantized)).toHaveLength(kind.kernels);
      expect(await predictions(model, xs)).toEqual(before);
      expect(await predictions(quantized, xs)).not.toEqual(before);
      expect(quantized.layers.map(({ name }) => name)).toEqual(model.layers.map(({ name }) => name));
    });

    it('predicts what the float model does with fake-quantized kernels, bit for bit', async () => {
      const { xs, quantized } = await setup();
      const plain = await dequantizeModel(quantized);
      expect(quantizedWeights(plain)).toHaveLength(0);
      expect(await predictions(plain, xs)).toEqual(await predictions(quantized, xs));
    });

    it('trains latent kernels and steps, saves, loads with tf.loadLayersModel and goes on bit for bit', async () => {
      const { xs, quantized } = await setup({ activations: 4 });
      const ys = targetsOf(quantized, xs);
      quantized.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
      const weights = quantizedWeights(quantized);
      const start = await Promise.all(weights.flatMap(({ latent, step }) => [latent.data(), step.data()]));
      const train = async (model: LayersModel) => {
        model.resetStates();
        return one([await model.trainOnBatch(one(xs), one(ys))].flat());
      };
      for (let step = 0; step < 3; step++) expect(await train(quantized)).not.toBeNaN();
      const now = await Promise.all(weights.flatMap(({ latent, step }) => [latent.data(), step.data()]));
      now.forEach((values, i) => void expect(values, `weight ${i} learns`).not.toEqual(start[i]));
      const artifacts = await saved(quantized, true);
      const resumed = await loadLayersModel(tf.io.fromMemory(artifacts));
      expect(await predictions(resumed, xs)).toEqual(await predictions(quantized, xs));
      for (let step = 0; step < 3; step++) expect(await train(resumed)).toEqual(await train(quantized));
      expect(await predictions(resumed, xs)).toEqual(await predictions(quantized, xs));
    });

    it('is exported in both formats and predicts the same when loaded', async () => {
      const { xs, quantized } = await setup({ activations: 4 });
      await calibrate(quantized, one(xs), { batchSize: xs[0]!.shape[0] });
      const expected = await predictions(quantized, xs);
      for (const format of ['tfjs', 'packed'] as const) {
        const artifacts = await exportQuantized(quantized, { format });
        expect(await predictions(await loadQuantized(tf.io.fromMemory(artifacts)), xs), format).toEqual(expected);
      }
    });
  });
});
