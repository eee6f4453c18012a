import { FakeQuant, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../test/backends';
import { goldenJsons } from '../../../test/goldens';
import { activationQuantizers } from '../src/model/activation-quantizers';

interface Values {
  readonly shape: number[];
  readonly v: number[];
}

/** Twenty training steps of one small network, by torch. */
interface Trajectory {
  readonly id: string;
  readonly kind: 'mlp' | 'conv';
  readonly dtype: string;
  readonly bits: number;
  readonly actBits: number | null;
  readonly perChannel: boolean;
  readonly optimizer: { readonly name: 'sgd' | 'momentum'; readonly lr: number; readonly momentum?: number };
  readonly x: number[];
  readonly xShape: number[];
  readonly labels: number[];
  readonly weightMeta: Record<string, { readonly bits: number; readonly axis: number | null }>;
  readonly init: Record<string, Values>;
  readonly perStep: { readonly loss: number; readonly after: Record<string, number[]> }[];
}

const trajectories = (await goldenJsons<Trajectory[]>('lsq/trajectories.json')).flat();

const kernelNames = { mlp: ['w1', 'w2'], conv: ['conv', 'dw', 'fc'] } as const;
const biasNames: Record<string, string | null> = { w1: 'b1', w2: 'b2', conv: 'conv_b', dw: null, fc: 'fc_b' };

function floatModel(golden: Trajectory): LayersModel {
  const inputShape = golden.xShape.slice(1);
  const units = (name: string) => golden.init[name]!.shape.at(-1)!;
  if (golden.kind === 'mlp')
    return sequential({
      layers: [
        layers.dense({ name: 'w1', units: units('w1'), activation: 'relu', inputShape }),
        layers.dense({ name: 'w2', units: units('w2'), activation: 'softmax' }),
      ],
    });
  return sequential({
    layers: [
      layers.conv2d({ name: 'conv', filters: units('conv'), kernelSize: 3, activation: 'relu', inputShape }),
      layers.depthwiseConv2d({ name: 'dw', kernelSize: 3, useBias: false }),
      layers.globalAveragePooling2d({}),
      layers.dense({ name: 'fc', units: units('fc'), activation: 'softmax' }),
    ],
  });
}

/** The quantized model with the weights that the trajectory starts from, and a way to read each by its golden name. */
async function start(golden: Trajectory, stepScale: 'absolute' | 'relative' = 'absolute') {
  const plain = floatModel(golden);
  for (const name of kernelNames[golden.kind]) {
    const bias = biasNames[name];
    const tensors = [name, ...(bias ? [bias] : [])].map((key) => golden.init[key]!);
    plain.getLayer(name).setWeights(tensors.map(({ v, shape }) => tf.tensor(v, shape, 'float32')));
  }
  const model = await quantizeModel(plain, {
    bits: (layer) => golden.weightMeta[layer.name]!.bits,
    firstLast: 'same',
    perChannel: golden.perChannel,
    activations: golden.actBits === null ? null : { bits: golden.actBits, init: 'lsq' },
    init: 'lsq',
    stepScale,
  });
  const byLayer = new Map(quantizedWeights(model).map((weight) => [weight.layer, weight]));
  const variables = new Map<string, tf.Tensor>();
  for (const name of kernelNames[golden.kind]) {
    const weight = byLayer.get(name)!;
    variables.set(name, weight.latent);
    variables.set(`${name}_step`, weight.step);
    const named = (suffix: string) =>
      model
        .getLayer(name)
        .weights.find(({ originalName }) => originalName.endsWith(suffix))
        ?.read();
    if (biasNames[name]) variables.set(biasNames[name]!, named('/bias')!);
    const [quantizer] = activationQuantizers(model);
    if (quantizer) variables.set('a1_step', quantizer.quantizer.step);
  }
  return { plain, model, variables };
}

function compile(model: LayersModel, { optimizer }: Trajectory): void {
  const { name, lr, momentum } = optimizer;
  model.compile({
    optimizer: name === 'sgd' ? tf.train.sgd(lr) : tf.train.momentum(lr, momentum!),
    loss: 'categoricalCrossentropy',
  });
}

describe.each(backends)('the reference trajectories on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each([
    ['absolute', 1e-6],
    ['relative', 2e-6],
  ] as const)(
    'trainOnBatch follows 20 steps of every network, %s: losses and all parameters within %f',
    async (stepScale, tolerance) => {
      expect(trajectories.length).toBeGreaterThan(0);
      for (const golden of trajectories) {
        const { plain, model, variables } = await start(golden, stepScale);
        for (const [name, { v }] of Object.entries(golden.init)) {
          if (name === 'a1_step') continue;
          const actual = await variables.get(name)!.data();
          v.forEach(
            (expected, i) => void expect(Math.abs(actual[i]! - expected), `${golden.id} ${name}`).toBeLessThan(1e-6),
          );
        }
        compile(model, golden);
        const x = tf.tensor(golden.x, golden.xShape, 'float32');
        const y = tf.oneHot(tf.tensor1d(golden.labels, 'int32'), 3);
        for (const [step, { loss, after }] of golden.perStep.entries()) {
          const where = `${golden.id} step ${step}`;
          expect(Math.abs(((await model.trainOnBatch(x, y)) as number) - loss), where).toBeLessThan(tolerance);
          for (const [name, expected] of Object.entries(after)) {
            const actual = await variables.get(name)!.data();
            const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);
            expect(worst, `${where} ${name}`).toBeLessThan(tolerance);
          }
        }
        tf.dispose([x, y]);
        model.dispose();
        plain.dispose();
      }
    },
    120_000,
  );
});

it('a FakeQuant layer put in by hand takes the same step as quantized inputs', async () => {
  await useBackend('cpu');
  const x = tf.randomNormal([32, 6], 0, 1, 'float32', 7);
  const y = tf.oneHot(
    tf.tensor1d(
      Array.from({ length: 32 }, (_, i) => i % 3),
      'int32',
    ),
    3,
  );
  const body = (withLayer: boolean) =>
    sequential({
      layers: [
        layers.dense({ name: 'a', units: 8, activation: 'relu', inputShape: [6] }),
        ...(withLayer ? [new FakeQuant({ bits: 3, signed: false, name: 'quant' })] : []),
        layers.dense({ name: 'b', units: 3, activation: 'softmax' }),
      ],
    });
  const [inside, between] = [body(false), body(true)];
  for (const name of ['a', 'b']) between.getLayer(name).setWeights(inside.getLayer(name).getWeights());
  const first = await quantizeModel(inside, { bits: 4, firstLast: 'same', activations: 3 });
  const second = await quantizeModel(between, { bits: 4, firstLast: 'same' });
  for (const model of [first, second]) model.compile({ optimizer: tf.train.sgd(0.1), loss: 'categoricalCrossentropy' });
  for (let step = 0; step < 5; step++) expect(await first.trainOnBatch(x, y)).toBe(await second.trainOnBatch(x, y));
});
