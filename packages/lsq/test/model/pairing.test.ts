import { dequantizeModel, exportQuantized, loadQuantized, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, type RNN, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { predictions } from '../model-kinds';

beforeAll(() => useBackend('cpu'));

const start = { recurrentInitializer: 'glorotUniform' } as const;
const gruCell = (units: number) => layers.gruCell({ ...start, units });

/** Weights that are no start: variances between 1/2 and 2, the others normal. */
function filled(of: LayersModel): LayersModel {
  of.weights.forEach((weight, i) => {
    const shape = weight.shape as number[];
    const values = /variance/.test(weight.originalName)
      ? tf.randomUniform(shape, 0.5, 2, 'float32', i)
      : tf.randomNormal(shape, 0, 0.7, 'float32', i);
    weight.write(values);
  });
  return of;
}

const kinds: Readonly<Record<string, { readonly shape: readonly number[]; readonly build: () => layers.Layer[] }>> = {
  'a bidirectional LSTM': {
    shape: [4, 3],
    build: () => [
      layers.bidirectional({
        layer: layers.lstm({ ...start, units: 3 }) as RNN,
        mergeMode: 'concat',
        inputShape: [4, 3],
      }),
    ],
  },
  'two stacked GRU cells': {
    shape: [4, 3],
    build: () => [layers.rnn({ cell: [gruCell(3), gruCell(3)] as never, inputShape: [4, 3] })],
  },
  'stacked cells of unequal width': {
    shape: [4, 3],
    build: () => [layers.rnn({ cell: [gruCell(2), gruCell(4)] as never, inputShape: [4, 3] })],
  },
  'a model distributed over time': {
    shape: [4, 3],
    build: () => [
      layers.timeDistributed({
        layer: sequential({
          layers: [
            layers.dense({ units: 3, inputShape: [3] }),
            layers.batchNormalization(),
            layers.dense({ units: 3 }),
          ],
        }),
        inputShape: [4, 3],
      }),
      layers.flatten(),
    ],
  },
};

describe.each(Object.entries(kinds))('%s', (_, { shape, build }) => {
  const xs = () => [tf.randomNormal([6, ...shape], 0, 1, 'float32', 1)];

  it.each([
    ['quantized', false],
    ['left in float', true],
  ])('%s is exported as it is where a batch normalization behind it is folded', async (_, float) => {
    const net = filled(
      sequential({ layers: [...build(), layers.dense({ units: 3, name: 'fc' }), layers.batchNormalization()] }),
    );
    const overrides = float ? { [net.layers[0]!.name]: null } : undefined;
    const quantized = await quantizeModel(net, { bits: 8, firstLast: 'same', overrides });
    const leaked = await leakedTensors(async () => {
      const artifacts = await exportQuantized(quantized, { format: 'packed', foldBatchNorm: true });
      const loaded = await loadQuantized(tf.io.fromMemory(artifacts));
      expect(loaded.layers.at(-1)!.getClassName()).toBe('Activation');
      const expected = await predictions(quantized, xs());
      const scale = Math.max(...expected.map(Math.abs));
      // Folding changes the rounding of float32 and nothing else.
      (await predictions(loaded, xs())).forEach((value, i) => {
        expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5 * scale);
      });
      loaded.dispose();
    });
    // The inputs of every prediction, twice here.
    expect(leaked).toBe(2);
  });
});

describe('weights of which some are frozen', () => {
  const xs = () => [tf.randomNormal([6, 3], 0, 1, 'float32', 1)];
  const net = () =>
    filled(
      sequential({
        layers: [
          layers.dense({ units: 3, inputShape: [3], name: 'a' }),
          layers.batchNormalization({ name: 'norm' }),
          layers.dense({ units: 3, name: 'b' }),
        ],
      }),
    );
  const named = (of: LayersModel, name: string) => of.weights.find(({ originalName }) => originalName === name)!;

  it.each(['norm/gamma', 'norm/beta', 'a/kernel', 'a/bias', 'b/kernel'])(
    '%s: all keep their values',
    async (frozen) => {
      const model = net();
      const before = await predictions(model, xs());
      named(model, frozen).trainable = false;
      const quantized = await quantizeModel(model, { bits: 4 });
      for (const each of [quantized, await dequantizeModel(quantized, { weights: 'latent' })]) {
        for (const { originalName } of model.weights)
          expect(named(each, originalName).read().dataSync(), originalName).toEqual(
            named(model, originalName).read().dataSync(),
          );
        expect(named(each, frozen).trainable).toBe(false);
      }
      const latent = await dequantizeModel(quantized, { weights: 'latent' });
      expect(await predictions(latent, xs())).toEqual(before);
      named(quantized, frozen).trainable = false;
      const loaded = await loadQuantized(
        tf.io.fromMemory(await exportQuantized(quantized, { format: 'packed', foldBatchNorm: true })),
      );
      const expected = await predictions(quantized, xs());
      (await predictions(loaded, xs())).forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 4));
    },
  );
});

it('weights that break a constraint, which fit does not apply, are copied and exported as they are', async () => {
  const net = filled(
    sequential({
      layers: [
        layers.dense({ units: 4, inputShape: [3], kernelConstraint: 'nonNeg', biasConstraint: 'nonNeg' }),
        layers.batchNormalization({ gammaConstraint: 'nonNeg' }),
      ],
    }),
  );
  for (const weight of net.weights) {
    const shape = weight.shape as number[];
    (weight.read() as tf.Variable).assign(
      /variance/.test(weight.originalName) ? tf.ones(shape) : tf.randomNormal(shape, -1, 1, 'float32', 1),
    );
  }
  const xs = [tf.randomNormal([6, 3], 0, 1, 'float32', 2)];
  const quantized = await quantizeModel(net, { bits: 8 });
  const latent = await dequantizeModel(quantized, { weights: 'latent' });
  expect(await predictions(latent, xs)).toEqual(await predictions(net, xs));
  const expected = await predictions(quantized, xs);
  expect(await predictions(await dequantizeModel(quantized), xs)).toEqual(expected);
  const load = async (foldBatchNorm: boolean) =>
    predictions(
      await loadQuantized(tf.io.fromMemory(await exportQuantized(quantized, { format: 'packed', foldBatchNorm }))),
      xs,
    );
  expect(await load(false)).toEqual(expected);
  (await load(true)).forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 4));
});

it('a convolution that keeps channels first is folded where they are, and left alone where they are not', async () => {
  const build = (axis: number) =>
    filled(
      sequential({
        layers: [
          // As many filters as columns, 3: a normalization of the columns has as many means as there are filters.
          layers.conv2d({
            filters: 3,
            kernelSize: 1,
            dataFormat: 'channelsFirst',
            inputShape: [2, 5, 3],
          }),
          layers.batchNormalization({ axis }),
        ],
      }),
    );
  const xs = [tf.randomNormal([4, 2, 5, 3], 0, 1, 'float32', 1)];
  for (const [axis, behind] of [
    [-1, 'BatchNormalization'],
    [1, 'Activation'],
  ] as const) {
    const quantized = await quantizeModel(build(axis), { bits: 8 });
    const loaded = await loadQuantized(
      tf.io.fromMemory(await exportQuantized(quantized, { format: 'packed', foldBatchNorm: true })),
    );
    expect(loaded.layers.at(-1)!.getClassName()).toBe(behind);
    // The definition, since batch normalization of tfjs on the cpu is wrong on axis 1: γ (x - mean) / sqrt(var + ε) + β.
    const [gamma, beta, mean, variance] = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) =>
      tf.reshape(
        quantized.weights.find((weight) => weight.originalName.endsWith(name))!.read(),
        axis === 1 ? [1, 3, 1, 1] : [1, 1, 1, 3],
      ),
    );
    const convolved = quantized.layers[0]!.apply(xs[0]!) as tf.Tensor;
    const deviation = tf.sqrt(tf.add(variance!, 1e-3));
    const expected = tf.add(tf.mul(gamma!, tf.div(tf.sub(convolved, mean!), deviation)), beta!).dataSync();
    (await predictions(loaded, xs)).forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 5));
  }
});
