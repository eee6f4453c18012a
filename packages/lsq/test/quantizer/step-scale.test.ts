import { FakeQuant, type QuantizeOptions, quantizedWeights, quantizeModel, type StepScale } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, loadLayersModel, sequential } from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { LearnedStep } from '../../src/layers/learned-step';
import { stepOf } from '../../src/quantizer/step-scale';
import { saved } from '../saved';

const net = () =>
  sequential({
    layers: [
      layers.dense({ name: 'a', units: 6, inputShape: [3], activation: 'relu' }),
      layers.dense({ name: 'b', units: 4 }),
    ],
  });

const x = () => tf.randomNormal([16, 3], 0, 1, 'float32', 3);
const y = () => tf.randomNormal([16, 4], 0, 1, 'float32', 4);

const stepsOf = (model: LayersModel) => quantizedWeights(model).map(({ step }) => step.dataSync()[0]!);

/** The steps after each of some updates. */
async function trained(plain: LayersModel, options: Partial<QuantizeOptions>, optimizer: tf.Optimizer, updates = 1) {
  const model = await quantizeModel(plain, { bits: 3, firstLast: 'same', ...options });
  const steps = [stepsOf(model)];
  model.compile({ optimizer, loss: 'meanSquaredError' });
  for (let update = 0; update < updates; update++) {
    await model.trainOnBatch(x(), y());
    steps.push(stepsOf(model));
  }
  return { model, steps };
}

const optimizers: readonly [string, (rate: number) => tf.Optimizer][] = [
  ['sgd', (rate) => tf.train.sgd(rate)],
  ['momentum', (rate) => tf.train.momentum(rate, 0.9)],
  ['adam', (rate) => tf.train.adam(rate)],
  ['adamax', (rate) => tf.train.adamax(rate)],
  ['adagrad', (rate) => tf.train.adagrad(rate)],
  ['adadelta', (rate) => tf.train.adadelta(rate)],
  ['rmsprop', (rate) => tf.train.rmsprop(rate)],
];

afterEach(() => vi.restoreAllMocks());

describe.each(backends)('a step on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('is s₀ (1 + m (p - 1)), and no less than s₀ / 32', () => {
    const at = (p: number, multiplier: number) => stepOf(tf.scalar(p), tf.scalar(2), multiplier).dataSync()[0];
    expect([1, 3, 0.25].map((p) => at(p, 1))).toEqual([2, 6, 0.5]);
    expect(at(1.5, 0.5)).toBe(2.5);
    expect(at(40, 0)).toBe(2);
    expect([0, -1e6].map((p) => at(p, 1))).toEqual([2 / 32, 2 / 32]);
    expect(at(Number.NaN, 1)).toBeNaN();
  });

  it('an update that would take p lower ends where s is s₀ / 32, and the next one up starts from there', () => {
    for (const multiplier of [1, 0.25]) {
      const step = new LearnedStep(tf.tensor1d([2, 4]), 'relative', multiplier, (role) => ({ name: role }));
      const variable = step.learned.read() as tf.Variable;
      variable.assign(tf.tensor1d([-100, 1]));
      expect([...step.step.dataSync()]).toEqual([expect.closeTo(2 / 32, 6), 4]);
      variable.assign(tf.add(variable, 1 / multiplier));
      expect([...step.step.dataSync()]).toEqual([expect.closeTo(2 / 32 + 2, 5), 8]);
      variable.assign(tf.tensor1d([Number.NaN, 1]));
      expect([...step.step.dataSync()]).toEqual([Number.NaN, 4]);
    }
  });

  it('the gradient that the optimizer gets for p is that of s over s₀, and counts as 10 at most', () => {
    const step = new LearnedStep(tf.tensor1d([0.25, 0.25, 0.25]), 'relative', 1, (role) => ({ name: role }));
    const variable = step.learned.read() as tf.Variable;
    const slopes = tf.tensor1d([1.5, -2, 30]);
    const { grads } = tf.variableGrads(() => tf.sum(tf.mul(step.read(), slopes)) as tf.Scalar, [variable]);
    expect([...Object.values(grads)[0]!.dataSync()]).toEqual([6, -8, 10]);
  });

  it.each([
    ['sgd', () => tf.train.sgd(0.1)],
    ['momentum', () => tf.train.momentum(0.05, 0.9)],
  ])('under %s the relative scale moves every step as the absolute one does', async (_, optimizer) => {
    const plain = net();
    for (const multiplier of [1, 0.25]) {
      const options = (stepScale: StepScale) => ({ stepScale, stepLearningRateMultiplier: multiplier });
      const relative = await trained(plain, options('relative'), optimizer(), 10);
      const absolute = await trained(plain, options('absolute'), optimizer(), 10);
      relative.steps.flat().forEach((step, i) => void expect(step).toBeCloseTo(absolute.steps.flat()[i]!, 5));
      expect(relative.steps[10]![0]).not.toBeCloseTo(relative.steps[0]![0]!, 3);
    }
  });

  it('under Adam a step moves by the learning rate times its start, and the multiplier counts', async () => {
    const plain = net();
    for (const multiplier of [1, 0.25]) {
      const { steps } = await trained(plain, { stepLearningRateMultiplier: multiplier }, tf.train.adam(0.01));
      steps[0]!.forEach((start, i) => {
        expect(Math.abs(steps[1]![i]! - start) / start).toBeCloseTo(0.01 * multiplier, 5);
      });
    }
  });
});

describe('whatever the optimizer', () => {
  beforeAll(() => useBackend('cpu'));

  it.each(optimizers)('no update by %s drives a relative step through zero', (_, optimizer) => {
    // The loss pushes every step down by the largest gradient there is: dL/ds = 1e3, for 300 updates.
    for (const rate of [0.01, 1]) {
      const start = tf.tensor2d([[0.5, 1e-4]]);
      const step = new LearnedStep(start, 'relative', 1, (role) => ({ name: role }));
      const variable = step.learned.read() as tf.Variable;
      const descent = optimizer(rate);
      for (let update = 0; update < 300; update++) {
        descent.minimize(() => tf.sum(tf.mul(step.read(), 1e3)) as tf.Scalar, false, [variable]);
        for (const value of step.step.dataSync()) expect(value).toBeGreaterThan(0);
      }
      for (const weight of step.weights) weight.dispose();
      step.dispose();
    }
  });
});

describe('what a step is made of', () => {
  beforeAll(() => useBackend('cpu'));

  it('absolute: the step itself; relative: p, which is trained, and s₀, which is not', async () => {
    const names = async (stepScale: StepScale) => {
      const model = await quantizeModel(net(), {
        bits: 4,
        firstLast: 'same',
        activations: { bits: 4, offset: true },
        stepScale,
      });
      const local = ({ originalName }: { originalName: string }) => originalName;
      return [model.trainableWeights.map(local), model.nonTrainableWeights.map(local)];
    };
    expect(await names('absolute')).toEqual([
      ['a/kernel', 'a/bias', 'a/kernel_step', 'b/kernel', 'b/bias', 'b/kernel_step', 'b/input_step', 'b/input_offset'],
      [],
    ]);
    expect(await names('relative')).toEqual([
      ['a/kernel', 'a/bias', 'a/kernel_relative_step'].concat([
        'b/kernel',
        'b/bias',
        'b/kernel_relative_step',
        'b/input_relative_step',
        'b/input_relative_offset',
      ]),
      ['a/kernel_initial_step', 'b/kernel_initial_step', 'b/input_initial_step'],
    ]);
  });

  it.each(['relative', 'absolute'] as const)('%s: setWeights and loading carry it whole', async (stepScale) => {
    const options = { activations: { bits: 4, offset: true }, stepScale };
    const { model } = await trained(net(), options, tf.train.adam(0.05), 5);
    const other = await quantizeModel(net(), { bits: 3, firstLast: 'same', ...options });
    other.setWeights(model.getWeights());
    const loaded = await loadLayersModel(tf.io.fromMemory(await saved(model)));
    for (const copy of [other, loaded]) {
      expect(stepsOf(copy)).toEqual(stepsOf(model));
      expect((copy.predict(x()) as tf.Tensor).dataSync()).toEqual((model.predict(x()) as tf.Tensor).dataSync());
    }
    // They go on as the model does: another update moves all three alike.
    for (const copy of [model, other, loaded]) {
      copy.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
      await copy.trainOnBatch(x(), y());
    }
    expect(stepsOf(other)).toEqual(stepsOf(model));
    expect(stepsOf(loaded)).toEqual(stepsOf(model));
  });

  it('quantizedWeights gives s, and it follows training, in either scale', async () => {
    for (const stepScale of ['relative', 'absolute'] as const) {
      const model = await quantizeModel(net(), { bits: 3, firstLast: 'same', init: 0.5, stepScale });
      const [{ step, latent }] = quantizedWeights(model) as [ReturnType<typeof quantizedWeights>[0]];
      expect(step.dataSync()[0]).toBe(0.5);
      model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
      await model.trainOnBatch(x(), y());
      const codes = quantizedWeights(model)[0]!.codes().dataSync();
      const expected = latent.dataSync().map((w) => Math.min(Math.max(w / step.dataSync()[0]!, -4), 3));
      codes.forEach((code, i) => void expect(Math.abs(code - expected[i]!)).toBeLessThanOrEqual(0.5001));
      expect(step.dataSync()[0]).not.toBe(0.5);
    }
  });

  it('a kernel or a filter of zeros starts from the step of Glorot weights, sqrt(6 / (fan in + fan out) / qp), and learns', async () => {
    const plain = net();
    const kernel = tf.tensor2d([
      [0, 1, 0, -1, 2, 0],
      [0, 1, 0, -1, 2, 0],
      [0, 1, 0, -1, 2, 0],
    ]);
    plain.getLayer('a').setWeights([kernel, tf.zeros([6])]);
    plain.getLayer('b').setWeights([tf.zeros([6, 4]), tf.zeros([4])]);
    const model = await quantizeModel(plain, {
      bits: 3,
      firstLast: 'same',
      perChannel: true,
      overrides: { b: { perChannel: false } },
    });
    const [a, b] = quantizedWeights(model);
    const typical = Math.fround(Math.sqrt(6 / 9 / 3));
    expect([...a!.step.dataSync()]).toEqual(
      [typical, 2, typical, 2, 4, typical].map((s) => expect.closeTo(s === typical ? s : s / Math.sqrt(3), 5)),
    );
    expect(b!.step.dataSync()[0]).toBeCloseTo(Math.sqrt(6 / 10 / 3), 5);
    model.compile({ optimizer: tf.train.adam(0.1), loss: 'meanSquaredError' });
    for (let update = 0; update < 5; update++) await model.trainOnBatch(x(), y());
    expect(new Set(b!.codes().dataSync()).size).toBeGreaterThan(2);
  });

  it('a model gives back every tensor that its steps hold', async () => {
    const plain = net();
    const leaked = await leakedTensors(async () => {
      const model = await quantizeModel(plain, { bits: 3, activations: { bits: 4, offset: true } });
      model.dispose();
      sequential({ layers: [new FakeQuant({ bits: 4, offset: true, inputShape: [3] })] }).dispose();
    });
    expect(leaked).toBe(0);
  });
});

describe('a crossing of zero', () => {
  beforeAll(() => useBackend('cpu'));

  it('of an absolute step is reported once, by name', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const options = { init: 0.01, stepScale: 'absolute' } as const;
    const { steps } = await trained(net(), options, tf.train.adam(0.05), 5);
    expect(steps.flat().some((step) => step < 0)).toBe(true);
    const messages = warn.mock.calls.map(([message]) => message as string);
    expect(
      messages.filter((message) => /has driven the step [ab]\/kernel_step through zero/.test(message)),
    ).toHaveLength(messages.length);
    expect(new Set(messages).size).toBe(messages.length);
    expect(messages.length).toBeGreaterThan(0);
  });

  it('does not happen to a relative step in the same training', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { steps } = await trained(net(), { init: 0.01 }, tf.train.adam(0.05), 200);
    expect(Math.min(...steps.flat())).toBeGreaterThan(1e-8);
    expect(warn).not.toHaveBeenCalled();
  });
});
