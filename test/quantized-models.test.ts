import { exportQuantized, loadQuantized, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { saved } from '../packages/lsq/test/saved';
import { leakedTensors, useBackend } from './backends';
import { CLASSES, tinyArchitectures } from './tiny-architectures';

/** Data for a model and its training: eight images of three classes that differ in colour, and noise. */
function pictures(model: LayersModel): { xs: tf.Tensor; ys: tf.Tensor; loss: () => tf.Scalar } {
  const shape = model.inputs[0]!.shape.slice(1) as number[];
  const labels = [0, 1, 2, 0, 1, 2, 0, 1];
  const ys = tf.oneHot(labels, CLASSES);
  const xs = tf.tidy(() => {
    const colour = tf.reshape(tf.sub(tf.mul(tf.cast(tf.oneHot(labels, 3), 'float32'), 2), 1), [8, 1, 1, 3]);
    return tf.add(colour, tf.randomNormal([8, ...shape], 0, 0.5, 'float32', 1));
  });
  const loss = () => {
    const logits = model.apply(xs, { training: true }) as tf.Tensor;
    return tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(tf.logSoftmax(logits), ys), 1)));
  };
  return { xs, ys, loss };
}

const predicted = (model: LayersModel, xs: tf.Tensor) =>
  tf.tidy(() => [...(model.predict(xs, { batchSize: 8 }) as tf.Tensor).dataSync()]);

async function trainsAndComesBack(build: () => LayersModel, bits: number, activations: number | null): Promise<void> {
  const float = build();
  const model = await quantizeModel(float, { bits, activations });
  const { xs, ys, loss } = pictures(model);
  const optimizer = tf.train.sgd(0.01);
  const value = () => tf.tidy(() => loss().dataSync()[0]!);

  // Activations take their first steps from the first batch in training.
  const before = value();
  const { grads, value: first } = tf.tidy(() =>
    tf.variableGrads(
      loss,
      model.trainableWeights.map((w) => w.read() as tf.Variable),
    ),
  );
  const without = model.trainableWeights.filter((weight) => {
    const gradient = grads[(weight.read() as tf.Variable).name];
    if (!gradient) return true;
    // The offset of an activation after GELU has one from values outside of its range alone (LSQ+, Bhalgat et al. 2020), and the
    // range is that of the first batch.
    return !/offset$/.test(weight.originalName) && tf.tidy(() => tf.max(tf.abs(gradient)).dataSync()[0]) === 0;
  });
  expect(
    without.map(({ originalName }) => originalName),
    'weights without a gradient',
  ).toEqual([]);
  tf.dispose([grads, first]);

  for (let step = 0; step < 10; step++) optimizer.minimize(loss);
  expect(value(), 'loss after ten steps').toBeLessThan(before);

  const expected = predicted(model, xs);
  expect(expected.every(Number.isFinite)).toBe(true);
  const reloaded = await loadLayersModel(tf.io.fromMemory(await saved(model)));
  expect(predicted(reloaded, xs), 'saved and loaded').toEqual(expected);
  const packed = await loadQuantized(tf.io.fromMemory(await exportQuantized(model, { format: 'packed' })));
  expect(predicted(packed, xs), 'packed').toEqual(expected);

  optimizer.dispose();
  for (const each of [float, model, reloaded, packed, xs, ys]) each.dispose();
}

describe.each(Object.entries(tinyArchitectures))('%s on wasm', (_, build) => {
  beforeAll(() => useBackend('wasm'));

  for (const bits of [8, 4, 2])
    for (const activations of [null, bits])
      it(`learns at ${bits} bits ${activations ? 'with activations' : 'of weights'} and comes back as it was`, async () => {
        expect(await leakedTensors(() => trainsAndComesBack(build, bits, activations))).toBe(0);
      });
});

describe('a model after GELU', () => {
  beforeAll(() => useBackend('wasm'));

  it.each(['deit', 'swin'])('%s has no embedding or table of biases among its kernels', async (name) => {
    const float = tinyArchitectures[name]!();
    const model = await quantizeModel(float, { bits: 4 });
    const kernels = model.layers
      .filter((layer) => layer.getClassName() === 'QuantizedLayer')
      .map((layer) => layer.name);
    expect(kernels.filter((layer) => /pos_embed|cls_token|attn$/.test(layer))).toEqual([]);
    expect(kernels.filter((layer) => /attn\.[qkv]$|attn\.proj$/.test(layer)).length).toBe(name === 'deit' ? 8 : 16);
    float.dispose();
    model.dispose();
  });
});
