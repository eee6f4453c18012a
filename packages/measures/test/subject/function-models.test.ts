import {
  averageSharpness,
  type Data,
  findAlpha,
  findSigma,
  generalizationGap,
  hessianEigenvalues,
  hessianSpectralDensity,
  hessianTrace,
  lossLandscape,
  type ModelLike,
  samSharpness,
} from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';

beforeAll(() => useBackend('wasm'));

/** Eight examples, of which the larger of two numbers tells the class. */
const rows = Array.from({ length: 8 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const data = { xs: rows, ys: rows.map(([a, b]) => (a! > b! ? 0 : 1)) };

const byGradients: Record<string, (model: ModelLike, data: Data) => Promise<unknown>> = {
  findAlpha: (model, data) => findAlpha(model, data, { magnitudeAware: true, relativeTolerance: 0.2 }),
  samSharpness: (model, data) => samSharpness(model, data, { rho: 0.1 }),
  hessianEigenvalues: (model, data) => hessianEigenvalues(model, data, { maxProducts: 3 }),
  'hessianEigenvalues, Gauss-Newton': (model, data) =>
    hessianEigenvalues(model, data, { maxProducts: 3, curvature: 'gauss-newton' }),
  'hessianEigenvalues, smoothed': (model, data) =>
    hessianEigenvalues(model, data, { maxProducts: 3, curvature: 'smoothed', radius: 0.1 }),
  hessianTrace: (model, data) => hessianTrace(model, data, { maxProbes: 3 }),
  hessianSpectralDensity: (model, data) => hessianSpectralDensity(model, data, { probes: 1, steps: 2 }),
};
const all: typeof byGradients = {
  generalizationGap: (model, data) => generalizationGap(model, data, data),
  findSigma: (model, data) => findSigma(model, data, { maxExamples: 200, seed: 1 }),
  averageSharpness: (model, data) => averageSharpness(model, data, { draws: 3 }),
  lossLandscape: (model, data) => lossLandscape(model, data, { x: [-0.5, 0, 1] }),
  ...byGradients,
};

describe('a forward that returns its own variable', () => {
  it.each(Object.entries(all))('keeps it: %s', async (_, measure) => {
    const w = tf.variable(tf.tensor2d(rows));
    const before = await w.data();
    const leaked = await leakedTensors(() => measure({ forward: () => w, variables: [w] }, data));
    expect(w.isDisposed).toBe(false);
    expect(await w.data()).toEqual(before);
    expect(leaked).toBe(0);
    w.dispose();
  });
});

it('a forward that returns its input is right eight times of eight, and nothing is left behind', async () => {
  const w = tf.variable(tf.zeros([1]));
  let accuracy = 0;
  const leaked = await leakedTensors(async () => {
    const gap = await generalizationGap({ forward: (x) => x, variables: [w] }, data, data);
    accuracy = gap.train.accuracy;
  });
  expect(accuracy).toBe(1);
  expect(leaked).toBe(0);
  w.dispose();
});

it('a forward that returns a tensor of its own keeps it', async () => {
  const w = tf.variable(tf.zeros([1]));
  const answers = tf.tensor2d(rows);
  await generalizationGap({ forward: () => answers, variables: [w] }, data, data);
  expect(answers.isDisposed).toBe(false);
  tf.dispose([w, answers]);
});

describe('a forward whose outputs no gradient connects with its variables', () => {
  it.each(Object.entries(byGradients))('is refused, and nothing is left behind: %s', async (name, measure) => {
    const w = tf.variable(tf.tensor2d([2, -1, 0.5, 1], [2, 2]));
    // The values of the variable leave TensorFlow.js and come back as a constant.
    const forward = (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, tf.tensor2d(w.dataSync(), [2, 2]));
    const leaked = await leakedTensors(() =>
      expect(measure({ forward, variables: [w] }, data)).rejects.toThrow(
        `${name.split(',')[0]}: no gradient reaches the variables of the model; forward must compute its outputs from the variables themselves, with operations of TensorFlow.js`,
      ),
    );
    expect(leaked).toBe(0);
    expect(await w.data()).toEqual(Float32Array.of(2, -1, 0.5, 1));
    w.dispose();
  });
});

it('a regression with targets of another width is told which, and how to give them', async () => {
  const w = tf.variable(tf.tensor2d([2, -1, 0.5, 1], [2, 2]));
  const model: ModelLike = {
    forward: (x) => tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D),
    variables: [w],
    output: 'regression',
  };
  const leaked = await leakedTensors(async () => {
    await expect(samSharpness(model, { xs: rows, ys: rows.map(() => 1) }, { rho: 0.1 })).rejects.toThrow(
      'samSharpness: targets must be 2 numbers for each example, as many as the model returns, got 1; give ys as rows [n, 2]',
    );
    await expect(samSharpness(model, { xs: rows, ys: rows.map(() => [1, 2, 3]) }, { rho: 0.1 })).rejects.toThrow(
      'samSharpness: targets must be 2 numbers for each example, as many as the model returns, got 3; give ys as rows [n, 2]',
    );
  });
  expect(leaked).toBe(0);
  w.dispose();
});
