import { type LayerInfo, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  layers,
  loadLayersModel,
  model,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { activationQuantizers } from '../../src/model/activation-quantizers';
import { saved } from '../saved';

beforeAll(() => useBackend('cpu'));

const on = (layer: layers.Layer, ...nodes: SymbolicTensor[]) =>
  layer.apply(nodes.length === 1 ? nodes[0]! : nodes) as SymbolicTensor;

const dense = (name: string, config: object = {}) => layers.dense({ units: 4, name, ...config });

const four = () =>
  sequential({
    layers: [
      dense('a', { inputShape: [3], activation: 'relu' }),
      dense('b'),
      dense('c', { activation: 'relu' }),
      dense('d'),
    ],
  });

const bitsOf = (quantized: LayersModel) =>
  Object.fromEntries(quantizedWeights(quantized).map(({ layer, bits }) => [layer, bits]));

const inputsOf = (quantized: LayersModel) =>
  Object.fromEntries(
    activationQuantizers(quantized).map(({ path, quantizer: { settings } }) => [
      path,
      `${settings.bits}${settings.signed ? '' : ' unsigned'}`,
    ]),
  );

describe('which bits a layer gets', () => {
  it('by default the first and the last layer get 8, as in the LSQ paper', async () => {
    expect(bitsOf(await quantizeModel(four(), { bits: 2 }))).toEqual({ a: 8, b: 2, c: 2, d: 8 });
  });

  it('the first and the last layer as all others, skipped, or with their own bits', async () => {
    expect(bitsOf(await quantizeModel(four(), { bits: 3, firstLast: 'same' }))).toEqual({ a: 3, b: 3, c: 3, d: 3 });
    expect(bitsOf(await quantizeModel(four(), { bits: 3, firstLast: 'skip' }))).toEqual({ b: 3, c: 3 });
    expect(bitsOf(await quantizeModel(four(), { bits: 3, firstLast: 5 }))).toEqual({ a: 5, b: 3, c: 3, d: 5 });
  });

  it('a map speaks for every layer, but firstLast counts where it is given', async () => {
    expect(bitsOf(await quantizeModel(four(), { bits: { '*': 3 } }))).toEqual({ a: 3, b: 3, c: 3, d: 3 });
    expect(bitsOf(await quantizeModel(four(), { bits: { '*': 3 }, firstLast: 'skip' }))).toEqual({ b: 3, c: 3 });
  });

  it('fewer than the others only where asked for', async () => {
    expect(bitsOf(await quantizeModel(four(), { bits: 8, firstLast: 4 }))).toEqual({ a: 4, b: 8, c: 8, d: 4 });
    expect(bitsOf(await quantizeModel(four(), { bits: 12 }))).toEqual({ a: 12, b: 12, c: 12, d: 12 });
  });

  it('by name and glob, the last match counts, and what matches nothing stays in float', async () => {
    const quantized = await quantizeModel(four(), { bits: { '[ab]': 2, '?': 4, b: 3, d: null } as never }).catch(
      () => null,
    );
    expect(quantized).toBeNull(); // [ab] is no glob: no layer is called that
    expect(bitsOf(await quantizeModel(four(), { bits: { '?': 4, b: 3, d: null } }))).toEqual({ a: 4, b: 3, c: 4 });
    expect(bitsOf(await quantizeModel(four(), { bits: { b: 3 } }))).toEqual({ b: 3 });
  });

  it('by a function, which is told where the layer stands', async () => {
    const seen: LayerInfo[] = [];
    const bits = (layer: LayerInfo) => {
      seen.push(layer);
      return layer.first ? null : 2 + layer.index;
    };
    expect(bitsOf(await quantizeModel(four(), { bits }))).toEqual({ b: 3, c: 4, d: 5 });
    expect(seen[3]).toEqual({ name: 'd', path: 'd', className: 'Dense', index: 3, first: false, last: true, size: 16 });
  });

  it('overrides win over firstLast', async () => {
    const overrides = { a: 4, d: null, b: { bits: 6, perChannel: true } };
    const quantized = await quantizeModel(four(), { bits: 2, overrides });
    expect(bitsOf(quantized)).toEqual({ a: 4, b: 6, c: 2 });
    expect(quantizedWeights(quantized).map(({ axis }) => axis)).toEqual([null, 1, null]);
  });

  it('first and last are found in the graph, also with branches and nested models', async () => {
    const x = input({ shape: [3] });
    const inside = input({ shape: [4] });
    const nested = model({ inputs: inside, outputs: on(dense('n2'), on(dense('n1'), inside)), name: 'nested' });
    const left = on(dense('left'), x);
    const right = on(dense('right'), x);
    const middle = on(dense('middle'), on(layers.add(), left, right));
    const after = on(nested, middle);
    const outputs = [on(dense('head'), after), on(layers.reLU(), after)];
    const quantized = await quantizeModel(model({ inputs: x, outputs }), { bits: 2 });
    expect(bitsOf(quantized)).toEqual({
      left: 8,
      right: 8,
      middle: 2,
      'nested/n1': 2,
      'nested/n2': 8,
      head: 8,
    });
  });
});

describe('activations', () => {
  it('the input of every layer but that of the model is quantized, unsigned after a ReLU', async () => {
    const quantized = await quantizeModel(four(), { bits: 4, firstLast: 'same', activations: 3 });
    expect(inputsOf(quantized)).toEqual({ b: '3 unsigned', c: '3', d: '3 unsigned' });
  });

  it('the last layer gets 8 bits there too by default, and the model input on demand', async () => {
    const activations = { bits: 3, modelInput: true };
    expect(inputsOf(await quantizeModel(four(), { bits: 4, activations }))).toEqual({
      a: '8',
      b: '3 unsigned',
      c: '3',
      d: '8 unsigned',
    });
  });

  it('the sign is followed through layers that keep it, and into nested models', async () => {
    const x = input({ shape: [3] });
    const inside = input({ shape: [8] });
    const nested = model({ inputs: inside, outputs: on(dense('n1'), inside), name: 'nested' });
    const relu = on(layers.reLU(), on(dense('a'), x));
    const sigmoid = on(layers.activation({ activation: 'sigmoid' }), on(dense('b'), x));
    const joined = on(layers.dropout({ rate: 0.5 }), on(layers.concatenate(), relu, sigmoid));
    const signed = on(dense('c'), on(layers.add(), relu, on(dense('e'), x)));
    const quantized = await quantizeModel(model({ inputs: x, outputs: [on(nested, joined), signed] }), {
      bits: 4,
      firstLast: 'same',
      activations: 4,
    });
    expect(inputsOf(quantized)).toEqual({ c: '4', 'nested/n1': '4 unsigned' });
  });

  it('an override sets or stops them for a layer', async () => {
    const overrides = { b: { activations: null }, c: { activations: { bits: 6, signed: false } } };
    const quantized = await quantizeModel(four(), { bits: 4, activations: 3, firstLast: 'same', overrides });
    expect(inputsOf(quantized)).toEqual({ c: '6 unsigned', d: '3 unsigned' });
  });

  it('they start from the first training batch, and predictions before it are not touched', async () => {
    const quantized = await quantizeModel(four(), { bits: 4, firstLast: 'same', activations: 4 });
    const x = tf.randomNormal([16, 3], 0, 1, 'float32', 1);
    quantized.predict(x);
    expect(activationQuantizers(quantized).map(({ quantizer }) => quantizer.initialized)).toEqual([
      false,
      false,
      false,
    ]);
    quantized.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    await quantized.trainOnBatch(x, tf.zeros([16, 4]));
    // The step of b's input is 2 mean|relu(a)| / sqrt(15).
    const hidden = tf.relu(quantized.layers[0]!.apply(x) as tf.Tensor);
    const expected = (2 * tf.mean(hidden).dataSync()[0]!) / Math.sqrt(15);
    const [b] = activationQuantizers(quantized);
    expect(b!.quantizer.step.dataSync()[0]).toBeCloseTo(expected, 6);
    expect(b!.quantizer.initialized).toBe(true);
  });

  it('loading never starts a step anew, before or after its first batch', async () => {
    const quantized = await quantizeModel(four(), { bits: 4, activations: 4 });
    const x = tf.randomNormal([16, 3], 0, 1, 'float32', 2);
    const untouched = await loadLayersModel(tf.io.fromMemory(await saved(quantized)));
    expect(activationQuantizers(untouched).every(({ quantizer }) => !quantizer.initialized)).toBe(true);
    quantized.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    await quantized.trainOnBatch(x, tf.zeros([16, 4]));
    const loaded = await loadLayersModel(tf.io.fromMemory(await saved(quantized)));
    const steps = (of: LayersModel) =>
      of.weights.filter(({ name }) => /step/.test(name)).map((w) => w.read().dataSync()[0]);
    expect(steps(loaded)).toEqual(steps(quantized));
    loaded.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    await loaded.trainOnBatch(tf.mul(x, 100), tf.zeros([16, 4]));
    expect(steps(loaded)).toEqual(steps(quantized));
  });
});

describe('training options', () => {
  it('stepLearningRateMultiplier 0 keeps the steps, 1 moves them, and the kernels learn alike', async () => {
    const plain = four();
    const x = tf.randomNormal([16, 3], 0, 1, 'float32', 3);
    const change = async (stepLearningRateMultiplier: number) => {
      const quantized = await quantizeModel(plain, { bits: 3, firstLast: 'same', stepLearningRateMultiplier });
      const [weight] = quantizedWeights(quantized);
      const before = weight!.step.dataSync()[0]!;
      quantized.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
      await quantized.trainOnBatch(x, tf.zeros([16, 4]));
      return weight!.step.dataSync()[0]! - before;
    };
    const full = await change(1);
    expect(full).not.toBe(0);
    expect(await change(0)).toBe(0);
    expect(await change(0.5)).toBeCloseTo(full / 2, 6);
  });

  it('under Adam the gradient scale does nothing: an absolute step moves by about the learning rate', async () => {
    const plain = four();
    const x = tf.randomNormal([16, 3], 0, 1, 'float32', 4);
    const moved = async (gradientScale: 'lsq' | 'none') => {
      const options = { bits: 3, firstLast: 'same', gradientScale, stepScale: 'absolute' } as const;
      const quantized = await quantizeModel(plain, options);
      const steps = quantizedWeights(quantized).map(({ step }) => step);
      const before = steps.map((step) => step.dataSync()[0]!);
      quantized.compile({ optimizer: tf.train.adam(0.001), loss: 'meanSquaredError' });
      await quantized.trainOnBatch(x, tf.zeros([16, 4]));
      return steps.map((step, i) => step.dataSync()[0]! - before[i]!);
    };
    const [scaled, raw] = [await moved('lsq'), await moved('none')];
    scaled.forEach((change, i) => {
      expect(Math.abs(change)).toBeCloseTo(0.001, 4);
      expect(change).toBeCloseTo(raw[i]!, 5);
    });
  });

  it('a regularizer sees the latent kernel and no step', async () => {
    const kernelRegularizer = { className: 'L1L2', config: { l1: 0, l2: 1 } } as never;
    const plain = sequential({ layers: [dense('a', { inputShape: [3], kernelRegularizer }), dense('b')] });
    const quantized = await quantizeModel(plain, { bits: 2, firstLast: 'same' });
    const [penalty] = quantized.getLayer('a').calculateLosses();
    const latent = quantizedWeights(quantized)[0]!.latent;
    expect(penalty!.dataSync()[0]).toBeCloseTo(tf.sum(tf.square(latent)).dataSync()[0]!, 5);
  });

  it('fit, predict, evaluate and dispose leave no tensor behind', async () => {
    const x = tf.randomNormal([20, 3]);
    const y = tf.zeros([20, 4]);
    const leaked = await leakedTensors(async () => {
      const plain = four();
      const quantized = await quantizeModel(plain, { bits: 3, activations: 4, perChannel: true });
      quantized.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
      await quantized.fit(x, y, { epochs: 2, batchSize: 5, verbose: 0 });
      tf.dispose(quantized.predict(x));
      tf.dispose(quantized.evaluate(x, y));
      quantized.optimizer.dispose();
      quantized.dispose();
      plain.dispose();
    });
    expect(leaked).toBe(0);
  });
});

describe('quantizeModel refuses', () => {
  it.each([
    ['one bit', { bits: 1 }, /quantizeModel, layer b: bits must be an integer from 2 to 16, got 1/],
    ['32 bits', { bits: 32 }, /bits must be an integer from 2 to 16, got 32/],
    [
      'an unknown layer in overrides',
      { bits: 4, overrides: { conv: 8 } },
      /no layer with kernels is called conv; there are a, b, c, d/,
    ],
    ['an unknown layer in bits', { bits: { 'x*': 8 } }, /no layer with kernels is called x\*; there are a, b, c, d/],
    [
      'an unknown firstLast',
      { bits: 4, firstLast: 'all' as never },
      /firstLast must be 'same', 'skip' or a number of bits, got all/,
    ],
    [
      'activations of one bit',
      { bits: 4, firstLast: 'same' as const, activations: 1 },
      /input of layer b: bits must be an integer from 2 to 16, got 1/,
    ],
    [
      'an unknown way to start',
      { bits: 4, init: 'max' as never },
      /init must be 'lsq', 'lsq\+', 'mse' or a positive number, got max/,
    ],
    [
      'a step beside a learned offset',
      { bits: 4, firstLast: 'same' as const, activations: { bits: 4, offset: true, init: 0.5 } },
      /input of layer b: init can't be 0.5 with an offset/,
    ],
    ['nothing left to quantize', { bits: { '*': null } }, /nothing to quantize/],
    [
      'a negative step learning rate',
      { bits: 4, stepLearningRateMultiplier: -1 },
      /stepLearningRateMultiplier must be a number from 0 up, got -1/,
    ],
  ])('%s', async (_, options, message) => {
    await expect(quantizeModel(four(), options)).rejects.toThrow(RangeError);
    await expect(quantizeModel(four(), options)).rejects.toThrow(message);
  });

  it('a quantized model, saying how to change its bits', async () => {
    const quantized = await quantizeModel(four(), { bits: 8 });
    await expect(quantizeModel(quantized, { bits: 4 })).rejects.toThrow(
      /layer a is quantized already; for other bits start from dequantizeModel\(model, \{ weights: 'latent' \}\)/,
    );
  });

  it('what is no LayersModel', async () => {
    await expect(quantizeModel({ predict: () => null } as never, { bits: 4 })).rejects.toThrow(TypeError);
    await expect(quantizeModel(null as never, { bits: 4 })).rejects.toThrow(/model must be a LayersModel/);
  });

  it('a kernel that holds NaN or an infinity, naming it and leaving nothing behind', async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const plain = four();
      plain.getLayer('c').setWeights([tf.fill([4, 4], bad), tf.zeros([4])]);
      const leaked = await leakedTensors(() =>
        expect(quantizeModel(plain, { bits: 4 })).rejects.toThrow(/c\/kernel of layer c holds NaN or infinite values/),
      );
      expect(leaked).toBe(0);
    }
  });

  it('a model of zeros is fine: it starts from the steps of Glorot weights and predicts zeros', async () => {
    const plain = four();
    plain.setWeights(plain.getWeights().map((weight) => tf.zerosLike(weight)));
    const quantized = await quantizeModel(plain, { bits: 4 });
    expect([...(quantized.predict(tf.ones([1, 3])) as tf.Tensor).dataSync()]).toEqual([0, 0, 0, 0]);
    // b, [4, 4] at 4 bits: sqrt(6 / (4 + 4) / 7)
    expect(quantizedWeights(quantized)[1]!.step.dataSync()[0]).toBeCloseTo(Math.sqrt(6 / 8 / 7), 6);
  });
});
