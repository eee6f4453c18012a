import {
  calibrate,
  dequantizeModel,
  exportQuantized,
  FakeQuant,
  gapBoundArgument,
  loadQuantized,
  modelSize,
  quantizationNoise,
  quantizedWeights,
  quantizeModel,
  summary,
} from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, loadLayersModel, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { goldenJson } from '../../../../test/goldens';
import { isQuantizedLayer } from '../../src/layers/quantized-layer';
import { saved } from '../saved';

interface HeadWise {
  readonly id: string;
  readonly kind: 'kernel' | 'activation';
  readonly bits: number;
  readonly signed: boolean;
  readonly shape: number[];
  readonly groupAxis: number;
  readonly groups: number;
  readonly viewShape: number[];
  readonly viewAxis: number;
  readonly x: number[];
  readonly step: number[];
  readonly dy: number[];
  readonly y: number[];
  readonly codes: number[];
  readonly dx: number[];
  readonly dStepRaw: number[];
  readonly gLsq: number;
  readonly gL1: number[];
  readonly initLsq: number[];
}

const cases = (await goldenJson<{ cases: HeadWise[] }>('recipes/headwise.json'))?.cases ?? [];

const near = async (actual: tf.Tensor, expected: readonly number[], tolerance: number, where: string) => {
  const values = await actual.data();
  expected.forEach(
    (value, i) =>
      void expect(Math.abs(values[i]! - value), where).toBeLessThan(tolerance * Math.max(1, Math.abs(value))),
  );
};

/** A dense layer with this kernel and steps of the groups, quantized. */
async function dense({ shape, x, bits, groups, groupAxis }: HeadWise, gradientScale: 'lsq' | 'l1' | 'none') {
  const plain = sequential({
    layers: [layers.dense({ name: 'q', units: shape[1]!, useBias: false, inputShape: [shape[0]!] })],
  });
  plain.setWeights([tf.tensor2d(x, shape as [number, number])]);
  const model = await quantizeModel(plain, {
    bits,
    firstLast: 'same',
    init: 'lsq',
    stepScale: 'absolute',
    gradientScale,
    groups: { count: groups, axis: groupAxis },
  });
  plain.dispose();
  return model;
}

describe.each(backends)('head-wise steps on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('a kernel in groups starts, computes and learns as the reference’s', async () => {
    for (const golden of cases.filter(({ kind }) => kind === 'kernel'))
      for (const [gradientScale, factors] of [
        ['none', golden.step.map(() => 1)],
        ['lsq', golden.step.map(() => golden.gLsq)],
        ['l1', golden.gL1],
      ] as const) {
        const where = `${golden.id}, ${gradientScale}`;
        const model = await dense(golden, gradientScale);
        const [weight] = quantizedWeights(model);
        expect(weight!.viewShape, where).toEqual(golden.viewShape);
        await near(weight!.step, golden.initLsq, 1e-6, where);
        tf.tidy(() => weight!.step.assign(tf.reshape(tf.tensor1d(golden.step), weight!.step.shape)));
        expect(Array.from(await weight!.codes().data()), where).toEqual(golden.codes);
        expect(weight!.codes().shape).toEqual(golden.shape);
        await near(weight!.dequantized(), golden.y, 1e-6, where);
        const dy = tf.tensor(golden.dy, golden.shape);
        const { grads } = tf.variableGrads(
          () => tf.sum(tf.mul(weight!.dequantized(), dy)) as tf.Scalar,
          [weight!.latent, weight!.step],
        );
        await near(grads[weight!.latent.name]!, golden.dx, 1e-7, where);
        await near(
          grads[weight!.step.name]!,
          golden.dStepRaw.map((raw, h) => raw * factors[h]!),
          2e-5,
          where,
        );
        tf.dispose([dy, grads]);
        model.dispose();
      }
  });

  it('activations with the heads as axis -3 compute and learn as the reference’s', async () => {
    for (const golden of cases.filter(({ kind }) => kind === 'activation')) {
      const { bits, signed, shape } = golden;
      const layer = new FakeQuant({ bits, signed, axis: -3, stepScale: 'absolute', inputShape: shape.slice(1) });
      const model = sequential({ layers: [layer] });
      const step = layer.quantizer!.step;
      expect(step.shape).toEqual([1, shape[1], 1, 1]);
      tf.tidy(() => layer.setWeights([tf.reshape(tf.tensor1d(golden.step), step.shape)]));
      const [x, dy] = [tf.tensor(golden.x, shape), tf.tensor(golden.dy, shape)];
      const y = model.predict(x) as tf.Tensor;
      await near(y, golden.y, 1e-6, golden.id);
      const { grads } = tf.variableGrads(() => tf.sum(tf.mul(model.apply(x) as tf.Tensor, dy)) as tf.Scalar, [step]);
      await near(
        grads[step.name]!,
        golden.dStepRaw.map((raw) => raw * golden.gLsq),
        2e-5,
        golden.id,
      );
      const dx = tf.grad((each) => tf.sum(tf.mul(model.apply(each) as tf.Tensor, dy)))(x);
      await near(dx, golden.dx, 1e-7, golden.id);
      tf.dispose([x, dy, y, grads, dx]);
      model.dispose();
    }
  });
});

const HEADS = 3;

/** Queries and an output projection of three heads of four channels. */
const attentionLike = () =>
  sequential({
    layers: [
      layers.dense({ name: 'a_query', units: 12, inputShape: [8], activation: 'relu' }),
      layers.dense({ name: 'a_out', units: 5, activation: 'softmax' }),
    ],
  });

const overrides = {
  '*_query': { groups: { count: HEADS, axis: 1 } },
  '*_out': { groups: { count: HEADS, axis: 0 } },
};

async function trained(): Promise<LayersModel> {
  const plain = attentionLike();
  const model = await quantizeModel(plain, { bits: 3, firstLast: 'same', gradientScale: 'l1', overrides });
  model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'categoricalCrossentropy' });
  const x = tf.randomNormal([16, 8], 0, 1, 'float32', 5);
  const y = tf.oneHot(
    tf.tensor1d(
      Array.from({ length: 16 }, (_, i) => i % 5),
      'int32',
    ),
    5,
  );
  await model.fit(x, y, { epochs: 5, verbose: 0 });
  tf.dispose([x, y]);
  plain.dispose();
  return model;
}

describe('groups of a kernel', () => {
  beforeAll(() => useBackend('cpu'));

  it('train, save, load, dequantize, export and come back bit for bit', async () => {
    const model = await trained();
    const x = tf.randomNormal([4, 8], 0, 1, 'float32', 6);
    const expected = await (model.predict(x) as tf.Tensor).data();
    const [query, out] = quantizedWeights(model);
    expect(query!.step.shape).toEqual([1, HEADS, 1]);
    expect(out!.step.shape).toEqual([HEADS, 1, 1]);
    expect(new Set(query!.step.dataSync()).size).toBe(HEADS);
    const loaded = await loadLayersModel(tf.io.fromMemory(await saved(model)));
    const plain = await dequantizeModel(model);
    const packed = await exportQuantized(model, { format: 'packed' });
    const unpacked = await loadQuantized(tf.io.fromMemory(packed));
    for (const each of [loaded, plain, unpacked]) expect(await (each.predict(x) as tf.Tensor).data()).toEqual(expected);
    expect(quantizedWeights(loaded)[0]!.step.shape).toEqual([1, HEADS, 1]);
    // 96 and 60 codes of 3 bits, 12 steps each and 17 biases: 36 + 23 + 4 (12 + 12 + 17) bytes, as the file has them.
    expect(modelSize(model).quantizedBytes).toBe(36 + 23 + 4 * 41);
    expect((packed.weightData as ArrayBuffer).byteLength).toBe(modelSize(model).quantizedBytes);
    expect(summary(model)).toMatch(/kernel +\[8,12\] +3 +\S+ … \S+ \(3\)/);
    await expect(exportQuantized(model, { format: 'tfjs' })).rejects.toThrow(
      'exportQuantized: the tfjs format has one step per kernel, but a_query/kernel has one per group',
    );
  });

  it('noise and the argument of the bound take each weight with the step of its group', async () => {
    const model = await trained();
    const noise = await quantizationNoise(model);
    for (const { largestResidual } of noise) expect(largestResidual).toBeLessThanOrEqual(0.5 + 1e-5);
    const [bound] = (await gapBoundArgument(model)).kernels;
    const [{ latent, step }] = quantizedWeights(model) as [ReturnType<typeof quantizedWeights>[0]];
    const [w, s] = [latent.dataSync(), step.dataSync()];
    // Column c of [8, 12] belongs to head floor(c / 4).
    const expected = Array.from(w).reduce(
      (sum, each, i) => sum + (4 * each * each) / s[Math.floor((i % 12) / 4)]! ** 2,
      0,
    );
    expect(bound!.argument / expected).toBeCloseTo(1, 5);
  });

  it('of any axis of any kernel, by a function of the layer too', async () => {
    const plain = sequential({
      layers: [
        layers.conv2d({ name: 'conv', filters: 6, kernelSize: 3, inputShape: [5, 5, 4] }),
        layers.flatten(),
        layers.dense({ name: 'fc', units: 4 }),
      ],
    });
    const model = await quantizeModel(plain, {
      bits: 4,
      groups: ({ name }) => (name === 'conv' ? { count: 2, axis: 3 } : null),
    });
    const [conv, fc] = quantizedWeights(model);
    expect(conv!.viewShape).toEqual([3, 3, 4, 2, 3]);
    expect(conv!.step.shape).toEqual([1, 1, 1, 2, 1]);
    expect(fc!.step.shape).toEqual([]);
    const views = model.layers.flatMap((layer) => (isQuantizedLayer(layer) ? layer.views : []));
    expect(views.map((view) => view.overKernel(view.step).shape)).toEqual([[1, 1, 1, 6], []]);
  });

  it('rejects what does not fit', async () => {
    const plain = attentionLike();
    const quantize = (options: object) => quantizeModel(plain, { bits: 4, ...options });
    await expect(quantize({ groups: { count: 5, axis: 1 } })).rejects.toThrow(
      'quantizeModel, layer a_query: groups.count must divide the 12 of axis 1 of the kernel [8,12], got 5',
    );
    await expect(quantize({ groups: { count: 3, axis: 2 } })).rejects.toThrow(
      'quantizeModel, layer a_query: groups.axis must be an axis of the kernel [8,12], from 0 to 1, got 2',
    );
    await expect(quantize({ groups: { count: 3, axis: 1 }, perChannel: true })).rejects.toThrow(
      'quantizeModel, layer a_query: perChannel and groups are two ways to share steps; leave one out',
    );
    await expect(quantize({ groups: 3 })).rejects.toThrow('groups must be { count, axis }, a function or null, got 3');
    await expect(quantize({ groups: { count: 3, axes: 1 } })).rejects.toThrow(
      "there is no option 'axes'; did you mean 'axis'?",
    );
  });
});

describe('an axis of FakeQuant', () => {
  beforeAll(() => useBackend('cpu'));

  /** [n, 2 heads, 3 tokens, 2 channels]. */
  const body = () =>
    sequential({
      layers: [
        new FakeQuant({ name: 'heads', bits: 4, axis: -3, inputShape: [2, 3, 2] }),
        layers.flatten(),
        layers.dense({ units: 1 }),
      ],
    });

  it('starts each head from its own activations, in training and by calibrate, and is saved', async () => {
    const x = tf.tidy(() =>
      tf.mul(tf.randomNormal([8, 2, 3, 2], 0, 1, 'float32', 9), tf.tensor4d([1, 10], [1, 2, 1, 1])),
    );
    const means = await tf.mean(tf.abs(x), [0, 2, 3]).data();
    // 2 mean|x| / sqrt(7)
    const expected = Array.from(means, (mean) => (2 * mean) / Math.sqrt(7));
    const quantizerOf = (model: LayersModel) => (model.getLayer('heads') as FakeQuant).quantizer!;
    const [inTraining, calibrated] = [body(), body()];
    inTraining.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    await inTraining.trainOnBatch(x, tf.zeros([8, 1]));
    await calibrate(calibrated, x);
    for (const model of [inTraining, calibrated])
      expect(Array.from(quantizerOf(model).step.dataSync()).map((step, h) => step / expected[h]!)).toEqual([
        expect.closeTo(1, 5),
        expect.closeTo(1, 5),
      ]);
    const loaded = await loadLayersModel(tf.io.fromMemory(await saved(calibrated)));
    expect((loaded.predict(x) as tf.Tensor).dataSync()).toEqual((calibrated.predict(x) as tf.Tensor).dataSync());
    expect(await leakedTensors(() => tf.dispose(loaded.predict(x)))).toBe(0);
  });

  it('a head that has seen nothing but zeros passes as it is, until it sees more', async () => {
    const model = body();
    model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    const half = tf.tidy(() =>
      tf.mul(tf.randomNormal([8, 2, 3, 2], 0, 1, 'float32', 9), tf.tensor4d([1, 0], [1, 2, 1, 1])),
    );
    await model.trainOnBatch(half, tf.zeros([8, 1]));
    const { step } = (model.getLayer('heads') as FakeQuant).quantizer!;
    const [first, second] = step.dataSync();
    expect(first).toBeGreaterThan(0);
    expect(second).toBe(0);
    await model.trainOnBatch(tf.ones([8, 2, 3, 2]), tf.zeros([8, 1]));
    expect(step.dataSync()[0]).toBe(first);
    expect(step.dataSync()[1]).toBeGreaterThan(0);
  });

  it('rejects what does not fit', () => {
    expect(() => new FakeQuant({ bits: 4, axis: 0.5 })).toThrow('FakeQuant: axis must be null or an integer, got 0.5');
    expect(() => new FakeQuant({ bits: 4, axis: 1, offset: true })).toThrow(
      "FakeQuant: offset can't be learned with an axis",
    );
    const over = () => sequential({ layers: [new FakeQuant({ name: 'f', bits: 4, axis: 4, inputShape: [2] })] });
    expect(over).toThrow('layer f: axis must be null or an integer from -2 to 1, got 4');
    const batch = () => sequential({ layers: [new FakeQuant({ name: 'f', bits: 4, axis: 0, inputShape: [2] })] });
    expect(batch).toThrow('layer f: axis 0 of its input [null,2] has no fixed length, and each index needs a step');
  });
});
