import { freezeOscillating, oscillations, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, loadLayersModel, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { goldenJson } from '../../../../test/goldens';
import { isQuantizedLayer } from '../../src/layers/quantized-layer';
import {
  firstOscillations,
  forgetOscillations,
  nextOscillations,
  type Oscillations,
} from '../../src/recipes/track-oscillations';
import { saved } from '../saved';

interface Tracking {
  readonly id: string;
  readonly bits: number;
  readonly step: number;
  readonly momentum: number;
  readonly useEma: boolean;
  readonly once: boolean;
  readonly refrozenChanges: number;
  readonly weights: number;
  readonly steps: readonly {
    readonly latent: number[];
    readonly threshold: number;
    readonly codes: number[];
    readonly codesAfterFreezing: number[];
    readonly frequency: number[];
    readonly frozen: boolean[];
    readonly frozenCodes: number[];
    readonly emaCodes: number[] | null;
  }[];
}

interface FrozenQuant {
  readonly id: string;
  readonly bits: number;
  readonly shape: number[];
  readonly w: number[];
  readonly step: number;
  readonly frozen: boolean[];
  readonly frozenCodes: number[];
  readonly dy: number[];
  readonly y: number[];
  readonly dw: number[];
  readonly dStepRaw: number;
  readonly gLsq: number;
}

const trackings = ((await goldenJson<{ cases: Tracking[] }>('recipes/oscillations.json'))?.cases ?? []).filter(
  // The released code sets frozen codes anew in every step; where that changes any, ours is the case beside it.
  ({ once, refrozenChanges }) => once || refrozenChanges === 0,
);
const frozenQuants = (await goldenJson<{ cases: FrozenQuant[] }>('recipes/frozen-quant.json'))?.cases ?? [];

const near = (actual: ArrayLike<number>, expected: readonly number[], tolerance: number, where: string) =>
  expected.forEach((value, i) => void expect(Math.abs(actual[i]! - value), where).toBeLessThan(tolerance));

/** A quantized dense layer whose kernel of one column holds as many weights. */
async function column(bits: number, weights: number, step: number, options: object = {}) {
  const plain = sequential({
    layers: [layers.dense({ name: 'fc', units: 1, useBias: false, inputShape: [weights] })],
  });
  const model = await quantizeModel(plain, { bits, firstLast: 'same', stepScale: 'absolute', ...options });
  plain.dispose();
  const [weight] = quantizedWeights(model);
  tf.tidy(() => weight!.step.assign(tf.scalar(step)));
  return { model, weight: weight! };
}

describe.each(backends)('freezeOscillating on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('counts and freezes step by step as the reference, each code set once', async () => {
    for (const { id, bits, step, momentum, useEma, weights, steps } of trackings) {
      const freezeAt = useEma ? 'average' : 'last';
      const { model, weight } = await column(bits, weights, step);
      const freezer = freezeOscillating(model, { threshold: 0, momentum, freezeAt });
      for (const [t, golden] of steps.entries()) {
        const where = `${id}, step ${t}`;
        tf.tidy(() => weight.latent.assign(tf.tensor2d(golden.latent, [weights, 1])));
        freezer.threshold = golden.threshold;
        const used = weight.codes();
        expect(Array.from(await used.data()), where).toEqual(golden.codesAfterFreezing);
        freezer.update();
        const frequency = freezer.frequency('fc');
        near(await frequency.data(), golden.frequency, 1e-6, where);
        expect(freezer.frozen, where).toBe(golden.frozen.filter(Boolean).length);
        const codes = weight.codes();
        const after = await codes.data();
        golden.frozen.forEach((frozen, i) => void (frozen && expect(after[i], where).toBe(golden.frozenCodes[i])));
        tf.dispose([used, frequency, codes]);
      }
      freezer.finish();
      model.dispose();
    }
  });

  it('keeps the moving average of the codes as the reference', async () => {
    for (const { id, momentum, useEma, steps } of trackings) {
      let known: Oscillations | undefined;
      for (const [t, golden] of steps.entries()) {
        const options = { threshold: golden.threshold, momentum, freezeAt: useEma ? 'average' : 'last' } as const;
        const codes = tf.tensor1d(golden.codesAfterFreezing, 'int32');
        const next: Oscillations = known ? nextOscillations(known, codes, options) : firstOscillations(codes, options);
        codes.dispose();
        if (known) forgetOscillations(known);
        known = next;
        if (golden.emaCodes && useEma && golden.threshold > 0)
          near(await known.average!.data(), golden.emaCodes, 1e-6, `${id}, step ${t}`);
      }
      forgetOscillations(known!);
    }
  });

  it('a kernel with frozen codes computes and learns as the reference', async () => {
    for (const golden of frozenQuants)
      for (const gradientScale of ['none', 'lsq'] as const) {
        const plain = sequential({
          layers: [layers.dense({ units: golden.shape[1]!, useBias: false, inputShape: [golden.shape[0]!] })],
        });
        plain.setWeights([tf.tensor(golden.w, golden.shape)]);
        const { bits } = golden;
        const model = await quantizeModel(plain, { bits, firstLast: 'same', stepScale: 'absolute', gradientScale });
        const [view] = model.layers.flatMap((layer) => (isQuantizedLayer(layer) ? layer.views : []));
        const { latent, step } = view!;
        tf.tidy(() => step.assign(tf.scalar(golden.step)));
        const mask = tf.tensor(golden.frozen, golden.shape, 'bool');
        view!.frozen = { mask, codes: tf.tensor(golden.frozenCodes, golden.shape) };
        const dy = tf.tensor(golden.dy, golden.shape);
        const y = view!.dequantized();
        near(await y.data(), golden.y, 1e-6, golden.id);
        const { grads } = tf.variableGrads(() => tf.sum(tf.mul(view!.dequantized(), dy)) as tf.Scalar, [latent, step]);
        near(await grads[latent.name]!.data(), golden.dw, 1e-7, golden.id);
        const expected = golden.dStepRaw * (gradientScale === 'lsq' ? golden.gLsq : 1);
        near(await grads[step.name]!.data(), [expected], 1e-5 * Math.max(1, Math.abs(expected)), golden.id);
        tf.dispose([y, dy, grads, mask, view!.frozen.codes]);
        model.dispose();
        plain.dispose();
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

async function inTraining(): Promise<LayersModel> {
  const plain = small();
  const model = await quantizeModel(plain, { bits: 2, firstLast: 'same' });
  model.compile({ optimizer: tf.train.momentum(0.2, 0.9), loss: 'meanSquaredError' });
  plain.dispose();
  return model;
}

const batch = () =>
  [tf.randomNormal([32, 4], 0, 1, 'float32', 1), tf.randomNormal([32, 2], 0, 1, 'float32', 2)] as const;

describe('freezeOscillating', () => {
  beforeAll(() => useBackend('cpu'));

  it('in fit, frozen codes stay as they are to the end, and the model saves what it computes', async () => {
    const model = await inTraining();
    const freezer = freezeOscillating(model, { threshold: 0.05, momentum: 0.1 });
    const [x, y] = batch();
    await model.fit(x, y, { epochs: 20, batchSize: 8, verbose: 0, callbacks: [freezer] });
    expect(freezer.frozen).toBeGreaterThan(0);
    const [first] = quantizedWeights(model);
    const mask = Array.from(
      model.layers.flatMap((layer) => (isQuantizedLayer(layer) ? layer.views : []))[0]!.frozen!.mask.dataSync(),
    );
    const before = first!.codes().dataSync();
    const { frozen } = freezer;
    freezer.threshold = 0;
    await model.fit(x, y, { epochs: 5, batchSize: 8, verbose: 0, callbacks: [freezer] });
    const after = first!.codes().dataSync();
    mask.forEach((each, i) => void (each && expect(after[i]).toBe(before[i])));
    expect(freezer.frozen).toBe(frozen);
    const expected = (model.predict(x) as tf.Tensor).dataSync();
    const loaded = await loadLayersModel(tf.io.fromMemory(await saved(model)));
    expect((loaded.predict(x) as tf.Tensor).dataSync()).toEqual(expected);
    freezer.finish();
    expect((model.predict(x) as tf.Tensor).dataSync()).toEqual(expected);
  });

  it('counts once a training step, and nothing in evaluation', async () => {
    const model = await inTraining();
    const freezer = freezeOscillating(model, { threshold: 0 });
    const [x, y] = batch();
    await model.fit(x, y, { epochs: 5, batchSize: 8, verbose: 0, callbacks: [freezer] });
    const counted = freezer.frequency('a').dataSync();
    expect(Math.max(...counted)).toBeGreaterThan(0);
    for (let i = 0; i < 10; i++) tf.dispose(model.evaluate(x, y));
    expect(freezer.frequency('a').dataSync()).toEqual(counted);
    const [a, b] = await oscillations(model);
    expect(a).toMatchObject({ layer: 'a', name: 'a/kernel', bits: 2, weights: 32, frozenShare: 0 });
    expect(a!.frequency).toBeCloseTo(tf.mean(freezer.frequency('a')).dataSync()[0]!, 6);
    expect(a!.oscillatingShare).toBeCloseTo(counted.filter((f) => f > 0.005).length / 32, 6);
    expect(b!.layer).toBe('b');
    freezer.finish();
    await expect(oscillations(model)).rejects.toThrow(
      'oscillations: nothing was counted; train with freezeOscillating',
    );
  });

  it('freezes nothing before its start', async () => {
    const { model, weight } = await column(2, 4, 1);
    const freezer = freezeOscillating(model, { threshold: 0.1, momentum: 0.5, start: 5 });
    for (let t = 0; t < 8; t++) {
      tf.tidy(() => weight.latent.assign(tf.fill([4, 1], t % 2 ? 0.6 : 0.4)));
      freezer.update();
      // Codes 0, 1, 0, 1, …: they oscillate from the third step on, the sixth is the first that may freeze.
      expect(freezer.frozen, `${t}`).toBe(t < 5 ? 0 : 4);
    }
    freezer.finish();
  });

  it('in fit, the codes before the first step are no step', async () => {
    const model = await inTraining();
    const [x, y] = batch();
    const freezer = freezeOscillating(model, { threshold: 1e-9, momentum: 0.5, start: 12 });
    await model.fit(x, y, { epochs: 3, batchSize: 8, verbose: 0, callbacks: [freezer] });
    expect(freezer.frozen).toBe(0);
    await model.fit(x, y, { epochs: 1, batchSize: 32, verbose: 0, callbacks: [freezer] });
    const oscillated = ['a', 'b'].flatMap((name) => [...freezer.frequency(name).dataSync()]).filter((f) => f > 1e-9);
    expect(freezer.frozen).toBe(oscillated.length);
    expect(freezer.frozen).toBeGreaterThan(0);
    freezer.finish();
  });

  it('two at once are refused before the first step', async () => {
    const model = await inTraining();
    const [x, y] = batch();
    const [one, other] = [freezeOscillating(model, { threshold: 0 }), freezeOscillating(model, { threshold: 0.1 })];
    one.update();
    await expect(model.fit(x, y, { verbose: 0, callbacks: [other] })).rejects.toThrow(
      'freezeOscillating: a/kernel is counted by another freezer; call its finish() first, or use that one',
    );
    other.finish();
    one.finish();
    other.update();
    other.finish();
  });

  it('costs the same tensors in every step, and none after finish', async () => {
    const model = await inTraining();
    const [x, y] = batch();
    await model.fit(x, y, { epochs: 1, batchSize: 8, verbose: 0 });
    const leaked = await leakedTensors(async () => {
      const freezer = freezeOscillating(model, { threshold: 0.05, momentum: 0.1 });
      await model.fit(x, y, { epochs: 1, batchSize: 8, verbose: 0, callbacks: [freezer] });
      expect(
        await leakedTensors(() => model.fit(x, y, { epochs: 10, batchSize: 8, verbose: 0, callbacks: [freezer] })),
      ).toBe(0);
      freezer.finish();
    });
    expect(leaked).toBe(0);
  });

  it('rejects what does not fit', async () => {
    const model = await inTraining();
    expect(() => freezeOscillating(small(), { threshold: 0.1 })).toThrow(
      'freezeOscillating: the model has no quantized kernels',
    );
    expect(() => freezeOscillating(model, { threshold: -1 })).toThrow(
      'threshold must be a finite number of 0 or more, got -1',
    );
    expect(() => freezeOscillating(model, {} as never)).toThrow(
      'threshold must be a finite number of 0 or more, got undefined',
    );
    expect(() => freezeOscillating(model, { threshold: 0.1, momentum: 2 })).toThrow(
      'momentum must be at most 1, got 2',
    );
    expect(() => freezeOscillating(model, { threshold: 0.1, maxBits: 1 })).toThrow(
      'no quantized kernel has 1 bits or fewer; raise maxBits',
    );
    expect(() => freezeOscillating(model, { threshold: 0.1, freezeAt: 'mean' as 'last' })).toThrow(
      "freezeAt must be 'average' or 'last'",
    );
    expect(() => freezeOscillating(model, { threshold: 0.1 }).frequency('c')).toThrow(
      'frequency: no kernel is called c; there are a/kernel, b/kernel',
    );
    await expect(oscillations(model)).rejects.toThrow('nothing was counted');
  });
});
