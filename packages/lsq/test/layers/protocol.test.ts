import { FakeQuant, type QuantizedProtocol, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';

beforeAll(() => useBackend('cpu'));

const protocols = (model: LayersModel) =>
  model.layers.flatMap((layer) => {
    const found = (layer as unknown as Record<symbol, QuantizedProtocol | undefined>)[Symbol.for('@qgen/quantized')];
    return found ? [found] : [];
  });

const model = () =>
  quantizeModel(
    sequential({
      layers: [
        layers.dense({ units: 4, inputShape: [3], activation: 'relu' }),
        new FakeQuant({ bits: 4, signed: false }),
        layers.dense({ units: 2 }),
      ],
    }),
    { bits: 2, activations: { bits: 4, offset: true } },
  );

it('every layer that quantizes carries its kernels and all that it learns for quantizing', async () => {
  const found = protocols(await model());
  expect(found.map(({ kernels, steps }) => [kernels.length, steps.length])).toEqual([
    [1, 1],
    [0, 1],
    [1, 3],
  ]);
});

it('with bypass the layer computes with latent as it is, so ŵ put there predicts the same', async () => {
  const quantized = await model();
  const x = tf.randomNormal([5, 3], 0, 1, 'float32', 1);
  const predict = () => (quantized.predict(x) as tf.Tensor).dataSync();
  const before = predict();
  const kernels = protocols(quantized).flatMap(({ kernels }) => kernels);
  const latents = kernels.map(({ latent }) => tf.clone(latent));
  for (const kernel of kernels) {
    kernel.latent.assign(kernel.dequantized());
    kernel.bypass = true;
  }
  expect(predict()).toEqual(before);
  kernels[0]!.latent.assign(tf.add(kernels[0]!.latent, 0.01));
  expect(predict()).not.toEqual(before);
  kernels.forEach((kernel, i) => {
    kernel.bypass = false;
    kernel.latent.assign(latents[i]!);
  });
  expect(predict()).toEqual(before);
});

it('its kernels are those of quantizedWeights', async () => {
  const quantized = await model();
  const kernels = protocols(quantized).flatMap(({ kernels }) => kernels);
  expect(kernels.map(({ latent }) => latent.id)).toEqual(quantizedWeights(quantized).map(({ latent }) => latent.id));
});
