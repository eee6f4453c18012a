import { calibrate, dequantizeModel, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';

beforeAll(() => useBackend('cpu'));

const x = () => tf.randomNormal([10, 3], 0, 1, 'float32', 1);
const predict = (of: LayersModel) => (of.predict(x()) as tf.Tensor).dataSync();
const seeded = (seed: number) => ({ className: 'GlorotNormal', config: { seed } }) as never;
const plain = () =>
  sequential({
    layers: [
      layers.dense({ units: 6, inputShape: [3], activation: 'relu', kernelInitializer: seeded(1) }),
      layers.dense({ units: 2, kernelInitializer: seeded(2) }),
    ],
  });

it('with quantized inputs it goes on quantizing them, and nothing else', async () => {
  const quantized = await quantizeModel(plain(), { bits: 3, activations: 3, firstLast: 'same' });
  await calibrate(quantized, x());
  const result = await dequantizeModel(quantized);
  expect(predict(result)).toEqual(predict(quantized));
  expect(quantizedWeights(result)).toEqual([]);
  expect(result.layers.map((layer) => layer.getClassName())).toEqual(['Dense', 'QuantizedLayer']);
});

it('the latent weights are those before quantizing, in layers of their own classes', async () => {
  const model = plain();
  const quantized = await quantizeModel(model, { bits: 2, activations: 2 });
  const latent = await dequantizeModel(quantized, { weights: 'latent' });
  expect(predict(latent)).toEqual(predict(model));
  expect(latent.layers.map((layer) => layer.getClassName())).toEqual(['Dense', 'Dense']);
});

it('8 bits, 4 bits, 2 bits: each starts from the latent weights that the one before learned', async () => {
  let model: LayersModel = plain();
  const y = tf.randomNormal([10, 2], 0, 1, 'float32', 2);
  for (const bits of [8, 4, 2]) {
    const quantized = await quantizeModel(model, { bits, firstLast: 'same' });
    quantized.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    const first = (await quantized.trainOnBatch(x(), y)) as number;
    for (let step = 0; step < 20; step++) await quantized.trainOnBatch(x(), y);
    expect((await quantized.trainOnBatch(x(), y)) as number).toBeLessThan(first);
    expect(quantizedWeights(quantized).every((weight) => weight.bits === bits)).toBe(true);
    model = await dequantizeModel(quantized, { weights: 'latent' });
    expect(model.weights[0]!.read().dataSync()).toEqual(quantizedWeights(quantized)[0]!.latent.dataSync());
  }
});

it('a plain model and an unknown choice of weights are refused', async () => {
  await expect(dequantizeModel(plain())).rejects.toThrow(
    /no layer of the model is quantized; it is a plain model already/,
  );
  const quantized = await quantizeModel(plain(), { bits: 4 });
  await expect(dequantizeModel(quantized, { weights: 'float' as never })).rejects.toThrow(
    /weights must be 'dequantized' or 'latent'/,
  );
});
