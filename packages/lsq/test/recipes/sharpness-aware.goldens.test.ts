import { quantizedWeights, quantizeModel, type SharpnessAwareOptions, sharpnessAware } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import { goldenJson } from '../../../../test/goldens';

/** Five steps of a network of two layers under the reference optimizers, in float64. */
interface Case {
  readonly id: string;
  readonly bits: number | null;
  readonly batchNorm: boolean;
  readonly optimizer: { readonly name: 'momentum' | 'adam'; readonly lr: number };
  readonly method: 'none' | 'sam' | 'sam-steps' | 'asam' | 'asam-eta' | 'saq';
  readonly rho: number;
  readonly eta: number;
  readonly x: readonly number[];
  readonly labels: readonly number[];
  readonly init: Readonly<Record<string, readonly number[]>>;
  readonly shapes: Readonly<Record<string, number[]>>;
  readonly steps: readonly {
    readonly loss: number;
    readonly after: Readonly<Record<string, readonly number[]>>;
    readonly moving?: { readonly mean: readonly number[]; readonly variance: readonly number[] };
  }[];
}

const golden = await goldenJson<{ readonly cases: readonly Case[] }>('recipes/sharpness.json');
const cases = golden?.cases ?? [];

const [FEATURES, HIDDEN, CLASSES, EXAMPLES] = [6, 5, 3, 8];

/** Weights of a layer by what follows the name of the layer in theirs. */
const named = (model: LayersModel, layer: string, suffix: string) =>
  model
    .getLayer(layer)
    .weights.find(({ originalName }) => originalName.endsWith(suffix))!
    .read() as tf.Variable;

async function start({ bits, batchNorm, init, shapes }: Case) {
  const plain = sequential({
    layers: [
      layers.dense({ name: 'w1', units: HIDDEN, useBias: !batchNorm, inputShape: [FEATURES] }),
      ...(batchNorm ? [layers.batchNormalization({ name: 'norm', momentum: 0.9 })] : []),
      layers.activation({ activation: 'relu' }),
      layers.dense({ name: 'w2', units: CLASSES, activation: 'softmax' }),
    ],
  });
  const places: Readonly<Record<string, readonly [string, string]>> = {
    w1: ['w1', '/kernel'],
    b1: ['w1', '/bias'],
    gamma: ['norm', '/gamma'],
    beta: ['norm', '/beta'],
    w2: ['w2', '/kernel'],
    b2: ['w2', '/bias'],
  };
  for (const [key, [layer, suffix]] of Object.entries(places))
    if (init[key]) tf.tidy(() => named(plain, layer, suffix).assign(tf.tensor([...init[key]!], shapes[key]!)));
  const model =
    bits === null ? plain : await quantizeModel(plain, { bits, firstLast: 'same', init: 'lsq', stepScale: 'absolute' });
  const variables = new Map<string, tf.Tensor>();
  for (const [key, [layer, suffix]] of Object.entries(places))
    if (init[key]) variables.set(key, named(model, layer, suffix));
  for (const { layer, step } of bits === null ? [] : quantizedWeights(model))
    variables.set(layer.replace('w', 's'), step);
  const dispose = () => {
    model.dispose();
    if (model !== plain) plain.dispose();
  };
  return { model, variables, dispose };
}

const options: Readonly<Record<Exclude<Case['method'], 'none'>, (golden: Case) => SharpnessAwareOptions>> = {
  sam: ({ rho }) => ({ rho }),
  'sam-steps': ({ rho }) => ({ rho, steps: true }),
  asam: ({ rho }) => ({ rho, adaptive: true, eta: 0 }),
  'asam-eta': ({ rho, eta }) => ({ rho, adaptive: true, eta }),
  saq: ({ rho }) => ({ rho, perturb: 'quantized' }),
};

function optimizerOf(model: LayersModel, golden: Case): tf.Optimizer {
  const { name, lr } = golden.optimizer;
  const base = name === 'momentum' ? tf.train.momentum(lr, 0.9) : tf.train.adam(lr, 0.9, 0.999, 1e-7);
  return golden.method === 'none' ? base : sharpnessAware(model, base, options[golden.method](golden));
}

const worst = (actual: ArrayLike<number>, expected: readonly number[]) =>
  expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);

describe.each(backends)('sharpness-aware training on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(['none', 'sam', 'sam-steps', 'asam', 'asam-eta', 'saq'] as const)(
    'every parameter, loss and moving average follows the reference for five steps: %s',
    async (method) => {
      for (const golden of cases.filter((each) => each.method === method)) await follow(golden);
    },
  );
});

/** Steps by `trainOnBatch` and by `fit` in turn. */
async function follow(golden: Case): Promise<void> {
  const { model, variables, dispose } = await start(golden);
  model.compile({ optimizer: optimizerOf(model, golden), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const x = tf.tensor2d([...golden.x], [EXAMPLES, FEATURES]);
  const y = tf.oneHot(tf.tensor1d([...golden.labels], 'int32'), CLASSES);
  for (const [step, { loss, after, moving }] of golden.steps.entries()) {
    const reported =
      step % 2 === 1
        ? (await model.fit(x, y, { batchSize: EXAMPLES, epochs: 1, shuffle: false, verbose: 0 })).history.loss![0]
        : ((await model.trainOnBatch(x, y)) as number[])[0];
    const where = `${golden.id}, step ${step}`;
    expect(Math.abs((reported as number) - loss), `${where}, loss`).toBeLessThan(1e-5);
    for (const [key, expected] of Object.entries(after))
      expect(worst(await variables.get(key)!.data(), expected), `${where}, ${key}`).toBeLessThan(2e-5);
    if (!moving) continue;
    for (const statistic of ['mean', 'variance'] as const) {
      const values = await named(model, 'norm', `/moving_${statistic}`).data();
      expect(worst(values, moving[statistic]), `${where}, moving ${statistic}`).toBeLessThan(2e-5);
    }
  }
  tf.dispose([x, y]);
  dispose();
}
