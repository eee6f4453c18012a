import {
  anneal,
  annealed,
  freezeOscillating,
  oscillationRegularizer,
  quantizedWeights,
  quantizeModel,
  sharpnessAware,
} from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import {
  model as functional,
  input,
  type LayersModel,
  layers,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { goldenJson } from '../../../../test/goldens';

interface Kernel {
  readonly id: string;
  readonly bits: number;
  readonly shape: number[];
  readonly w: number[];
  readonly step: number[];
  readonly groups?: number;
  readonly groupAxis?: number | null;
}

interface Bins extends Kernel {
  readonly value: number;
  readonly dw: number[];
  readonly dStepRaw: number[];
  readonly gL1: number;
}

interface Dampening extends Kernel {
  readonly aggregations: Record<'sum' | 'mean', { readonly value: number; readonly dw: number[] }>;
}

const bins = (await goldenJson<{ cases: Bins[] }>('recipes/obr.json'))?.cases ?? [];
const dampenings = (await goldenJson<{ cases: Dampening[] }>('recipes/dampening.json'))?.cases ?? [];

/** A model of one layer with this kernel and this step. */
async function holding({ bits, shape, w, step, groups = 1, groupAxis }: Kernel, gradientScale: 'none' | 'l1' = 'none') {
  const units = shape.at(-1)!;
  const layer =
    shape.length === 2
      ? layers.dense({ units, useBias: false, inputShape: [shape[0]!] })
      : layers.conv2d({ filters: units, kernelSize: 3, useBias: false, inputShape: [3, 3, shape[2]!] });
  const plain = sequential({ layers: [layer] });
  plain.setWeights([tf.tensor(w, shape)]);
  const model = await quantizeModel(plain, {
    bits,
    firstLast: 'same',
    stepScale: 'absolute',
    gradientScale,
    ...(groups > 1 && { groups: { count: groups, axis: groupAxis! } }),
  });
  plain.dispose();
  const [weight] = quantizedWeights(model);
  tf.tidy(() => weight!.step.assign(tf.reshape(tf.tensor1d(step), weight!.step.shape)));
  return { model, latent: weight!.latent, step: weight!.step };
}

const relative = (actual: number, expected: number, scale = Math.abs(expected)) =>
  Math.abs(actual - expected) / Math.max(scale, 1e-12);

const greatest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe.each(backends)('oscillationRegularizer on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it("'bins' has the value and the gradients of the reference, in groups too", async () => {
    for (const golden of bins)
      for (const gradientScale of ['none', 'l1'] as const) {
        // Of several groups l1 is each group's own, and the reference has none.
        if (gradientScale === 'l1' && golden.step.length > 1) continue;
        const { model, latent, step } = await holding(golden, gradientScale);
        const { value } = oscillationRegularizer(model, { kind: 'bins' });
        const found = tf.variableGrads(value, [latent, step]);
        expect(relative((await found.value.data())[0]!, golden.value), golden.id).toBeLessThan(1e-5);
        const dw = await found.grads[latent.name]!.data();
        golden.dw.forEach(
          (expected, i) => void expect(relative(dw[i]!, expected, greatest(golden.dw)), golden.id).toBeLessThan(1e-5),
        );
        const ds = await found.grads[step.name]!.data();
        const factor = gradientScale === 'l1' ? golden.gL1 : 1;
        golden.dStepRaw.forEach((expected, h) => {
          const tolerance = Math.max(1e-4 * Math.abs(expected * factor), 1e-6);
          expect(Math.abs(ds[h]! - expected * factor), `${golden.id}, step`).toBeLessThan(tolerance);
        });
        tf.dispose(found);
        model.dispose();
      }
  });

  it("'dampening' has the value and the gradient of the reference, and none to the step", async () => {
    for (const golden of dampenings)
      for (const reduction of ['sum', 'mean'] as const) {
        const { model, latent, step } = await holding(golden);
        const { value } = oscillationRegularizer(model, { kind: 'dampening', reduction });
        const expected = golden.aggregations[reduction];
        const found = tf.variableGrads(value, [latent, step]);
        expect(relative((await found.value.data())[0]!, expected.value), golden.id).toBeLessThan(1e-5);
        const dw = await found.grads[latent.name]!.data();
        expected.dw.forEach(
          (each, i) => void expect(relative(dw[i]!, each, greatest(expected.dw)), golden.id).toBeLessThan(1e-5),
        );
        expect(Array.from(await found.grads[step.name]!.data())).toEqual([0]);
        tf.dispose(found);
        model.dispose();
      }
  });
});

const small = () =>
  sequential({
    layers: [
      layers.dense({ name: 'a', units: 8, activation: 'relu', inputShape: [4] }),
      layers.dense({ name: 'b', units: 2 }),
    ],
  });

const batch = () => [tf.randomNormal([8, 4], 0, 1, 'float32', 1), tf.zeros([8, 2])] as const;

describe('oscillationRegularizer', () => {
  beforeAll(() => useBackend('cpu'));

  it('is in the reported loss with its weight as it is then, and in the updates; not after remove', async () => {
    const model = await quantizeModel(small(), { bits: 3, firstLast: 'same' });
    model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    const [x, y] = batch();
    const bare = (await model.trainOnBatch(x, y)) as number;
    const regularizer = oscillationRegularizer(model, { kind: 'bins', weight: 0.5 });
    const penalty = regularizer.value().dataSync()[0]!;
    expect(penalty).toBeGreaterThan(0);
    expect(await model.trainOnBatch(x, y)).toBeCloseTo(bare + 0.5 * penalty, 5);
    regularizer.weight = 2;
    expect(await model.trainOnBatch(x, y)).toBeCloseTo(bare + 2 * penalty, 5);
    regularizer.weight = 0;
    expect(await model.trainOnBatch(x, y)).toBeCloseTo(bare, 6);
    regularizer.remove();
    regularizer.weight = 5;
    expect(await model.trainOnBatch(x, y)).toBeCloseTo(bare, 6);
  });

  it.each(['bins', 'dampening'] as const)(
    'minimizing %s alone brings weights to the middle of their bins',
    async (kind) => {
      const model = await quantizeModel(small(), { bits: 3, firstLast: 'same' });
      const { value } = oscillationRegularizer(model, { kind });
      const before = value().dataSync()[0]!;
      const optimizer = tf.train.adam(0.003);
      for (let step = 0; step < 100; step++) optimizer.minimize(value);
      expect(value().dataSync()[0]!).toBeLessThan(0.1 * before);
    },
  );

  it('a layer that is called twice, and one in a nested model, count once', async () => {
    const shared = layers.dense({ name: 'shared', units: 4, inputShape: [4] });
    const inputs = input({ shape: [4] });
    const inner = sequential({ name: 'inner', layers: [layers.dense({ name: 'deep', units: 4, inputShape: [4] })] });
    const [a, b] = [shared.apply(inputs), shared.apply(inner.apply(inputs))] as [SymbolicTensor, SymbolicTensor];
    const plain = functional({ inputs, outputs: layers.add().apply([a, b]) as SymbolicTensor });
    const model = await quantizeModel(plain, { bits: 3, firstLast: 'same' });
    model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    const x = tf.randomNormal([8, 4], 0, 1, 'float32', 1);
    const bare = (await model.trainOnBatch(x, tf.zeros([8, 4]))) as number;
    const regularizer = oscillationRegularizer(model, { kind: 'dampening' });
    const penalty = regularizer.value().dataSync()[0]!;
    expect(await model.trainOnBatch(x, tf.zeros([8, 4]))).toBeCloseTo(bare + penalty, 5);
  });

  it('frozen weights are drawn nowhere', async () => {
    const model = await quantizeModel(small(), { bits: 3, firstLast: 'same' });
    const [{ latent }] = quantizedWeights(model) as [ReturnType<typeof quantizedWeights>[0]];
    const freezer = freezeOscillating(model, { threshold: 1e-9, momentum: 0.5 });
    const original = latent.clone();
    // Every weight jumps by three bins and back, twice, so that all oscillate.
    for (const factor of [1, -3, 1, -3, 1]) {
      tf.tidy(() => latent.assign(tf.mul(original, factor)));
      freezer.update();
    }
    const share = freezer.frozen / 48;
    expect(share).toBeGreaterThan(0.3);
    const { value } = oscillationRegularizer(model, { kind: 'bins' });
    const { grads } = tf.variableGrads(value, [latent]);
    const mask = tf.tidy(() => tf.greater(freezer.frequency('a'), 1e-9)).dataSync();
    grads[latent.name]!.dataSync().forEach((gradient, i) => void (mask[i] && expect(gradient).toBeCloseTo(0, 12)));
    freezer.finish();
  });

  it('costs no tensor a step, also sharpness-aware and annealed', async () => {
    const model = await quantizeModel(small(), { bits: 3, firstLast: 'same' });
    const regularizer = oscillationRegularizer(model, { kind: 'bins', weight: 0 });
    model.compile({ optimizer: sharpnessAware(model, tf.train.momentum(0.01, 0.9)), loss: 'meanSquaredError' });
    const [x, y] = batch();
    await model.fit(x, y, { epochs: 1, verbose: 0 });
    const leaked = await leakedTensors(() =>
      model.fit(x, y, {
        epochs: 5,
        batchSize: 4,
        verbose: 0,
        callbacks: [anneal(regularizer, 'weight', annealed({ from: 0, to: 1, total: 4 }), 'epoch')],
      }),
    );
    expect(leaked).toBe(0);
    expect(regularizer.weight).toBe(1);
  });

  it('rejects what does not fit', async () => {
    const model = await quantizeModel(small(), { bits: 3 });
    expect(() => oscillationRegularizer(small(), { kind: 'bins' })).toThrow(
      'oscillationRegularizer: the model has no quantized kernels; pass it to quantizeModel first',
    );
    expect(() => oscillationRegularizer(model, { kind: 'bin' as 'bins' })).toThrow(
      "kind must be 'bins' or 'dampening', got bin; did you mean 'bins'?",
    );
    expect(() => oscillationRegularizer(model, { kind: 'bins', weight: -1 })).toThrow(
      'weight must be a finite number of 0 or more, got -1',
    );
    expect(() => oscillationRegularizer(model, { kind: 'bins', reduction: 'max' as 'sum' })).toThrow(
      "reduction must be 'mean' or 'sum'",
    );
    expect(() => oscillationRegularizer(model, undefined as never)).toThrow("kind must be 'bins' or 'dampening'");
    expect(() => oscillationRegularizer({} as LayersModel, { kind: 'bins' })).toThrow('model must be a LayersModel');
  });
});
