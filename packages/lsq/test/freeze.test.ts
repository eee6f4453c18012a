import { FakeQuant, freezeKernels, freezeSteps, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import {
  model as functional,
  input,
  type LayersModel,
  layers,
  loadLayersModel,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../../test/backends';
import { saved } from './saved';

beforeAll(() => useBackend('cpu'));

const x = () => tf.randomNormal([16, 3], 0, 1, 'float32', 1);

async function model(): Promise<LayersModel> {
  const plain = sequential({
    layers: [
      layers.dense({ units: 4, inputShape: [3], activation: 'relu' }),
      new FakeQuant({ bits: 4, signed: false }),
      layers.dense({ units: 2 }),
    ],
  });
  return quantizeModel(plain, { bits: 3, activations: 4 });
}

/** The names of the weights that three training steps change. */
async function trained(of: LayersModel): Promise<string[]> {
  of.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  await of.trainOnBatch(x(), tf.zeros([16, 2]));
  const before = of.weights.map((weight) => weight.read().dataSync());
  for (let step = 0; step < 3; step++) await of.trainOnBatch(x(), tf.zeros([16, 2]));
  return of.weights
    .filter((weight, i) =>
      weight
        .read()
        .dataSync()
        .some((value, j) => value !== before[i]![j]),
    )
    .map((weight) => weight.originalName.split('/').at(-1)!);
}

test('frozen steps stay as they are in a compiled Sequential, and the rest learns', async () => {
  const quantized = await model();
  freezeSteps(quantized);
  const learns = await trained(quantized);
  expect(learns.filter((name) => name.endsWith('step'))).toEqual([]);
  expect(learns).toContain('kernel');
  expect(learns).toContain('bias');
});

test('frozen kernels stay as they are, and steps and biases learn', async () => {
  const quantized = await model();
  freezeKernels(quantized);
  const learns = await trained(quantized);
  expect(learns).not.toContain('kernel');
  expect(learns).toContain('kernel_step');
  expect(learns).toContain('input_step');
  expect(learns).toContain('bias');
});

test('both learn again when they are let go', async () => {
  const quantized = await model();
  freezeSteps(quantized);
  freezeKernels(quantized);
  freezeSteps(quantized, false);
  freezeKernels(quantized, false);
  const learns = new Set(await trained(quantized));
  expect([...learns].sort()).toEqual(['bias', 'input_step', 'kernel', 'kernel_step', 'step']);
});

test('what is frozen is so in a saved and loaded model, with the same number of weights', async () => {
  const quantized = await model();
  freezeSteps(quantized);
  await trained(quantized);
  const loaded = await loadLayersModel(tf.io.fromMemory(await saved(quantized)));
  expect(loaded.weights).toHaveLength(quantized.weights.length);
  expect(loaded.trainableWeights.map(({ name }) => name).filter((name) => /step/.test(name))).toEqual([]);
  expect((await trained(loaded)).filter((name) => name.endsWith('step'))).toEqual([]);
});

test('a layer that is not trainable trains neither kernels nor steps', async () => {
  const quantized = await model();
  quantized.layers[0]!.trainable = false;
  quantized.layers[2]!.trainable = false;
  expect(quantized.trainableWeights.map(({ originalName }) => originalName.split('/').at(-1))).toEqual(['step']);
  expect(quantized.weights).toHaveLength(8);
});

test('a model that was frozen inside another stays so when it is quantized, steps included', async () => {
  const base = sequential({ layers: [layers.dense({ name: 'base', units: 4, inputShape: [3] })] });
  base.trainable = false;
  const x = input({ shape: [3] });
  const head = layers.dense({ name: 'head', units: 2 }).apply(base.apply(x)) as SymbolicTensor;
  const quantized = await quantizeModel(functional({ inputs: x, outputs: head }), { bits: 3 });
  expect(quantized.trainableWeights.map(({ originalName }) => originalName)).toEqual([
    'head/kernel',
    'head/bias',
    'head/kernel_step',
  ]);
  expect(quantized.weights).toHaveLength(6);
});

test('a model without steps is refused', () => {
  const plain = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
  expect(() => freezeSteps(plain)).toThrow(/freezeSteps: the model has no steps; pass it to quantizeModel first/);
  expect(() => freezeKernels(plain)).toThrow(/freezeKernels: the model has no quantized kernels/);
});
