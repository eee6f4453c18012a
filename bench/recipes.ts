/**
 * The cost of training recipes: the time of one training step of a quantized network (4 bits, Network-in-Network of width 64,
 * batches of 128 images of 32 × 32, wasm) with a recipe over that of the same step without one.
 *
 * `latent` and `quantized` are `sharpnessAware`, `bins` and `dampening` the regularizers, `freezing` counts and freezes in
 * every step, `distilled` has two losses in place of one. The models take turns, step by step, in an order that rotates;
 * the figures are medians over the rounds of the ratio within a round, of wall time and, under `cpu`, of the processor time
 * that this process used.
 */
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import { registerKernels } from '@qgen/kernels';
import { distill, freezeOscillating, oscillationRegularizer, quantizeModel, sharpnessAware } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { networkInNetwork } from './networks/network-in-network';

const BATCH = 128;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15);

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

type Step = () => Promise<unknown>;

export async function run(): Promise<Record<string, number | object>> {
  await tf.setBackend('wasm');
  await tf.ready();
  await registerKernels();
  const float = networkInNetwork();
  const x = tf.randomNormal([BATCH, 32, 32, 3], 0, 1, 'float32', 1);
  const classes = Array.from({ length: BATCH }, (_, i) => i % 10);
  const y = tf.oneHot(tf.tensor1d(classes, 'int32'), 10);
  const teacher = tf.mul(tf.cast(y, 'float32'), 5);
  const loss = 'categoricalCrossentropy';
  const base = () => tf.train.momentum(0.01, 0.9);

  const trained = async (optimizer: (model: LayersModel) => tf.Optimizer, also?: (model: LayersModel) => Step) => {
    const model = await quantizeModel(float, { bits: 4, firstLast: 'same' });
    model.compile({ optimizer: optimizer(model), loss });
    const after = also?.(model);
    return async () => {
      await model.trainOnBatch(x, y);
      await after?.();
    };
  };
  const regularized = (kind: 'bins' | 'dampening') =>
    trained(base, (model) => {
      oscillationRegularizer(model, { kind, weight: 0.01 });
      return async () => {};
    });
  const distilled = async () => {
    const training = distill(await quantizeModel(float, { bits: 4, firstLast: 'same' }), { alpha: 0.5 });
    training.compile({ optimizer: base() });
    return () => training.trainOnBatch(x, [y, teacher]);
  };
  const steps = {
    plain: await trained(base),
    latent: await trained((model) => sharpnessAware(model, base())),
    quantized: await trained((model) => sharpnessAware(model, base(), { perturb: 'quantized' })),
    bins: await regularized('bins'),
    dampening: await regularized('dampening'),
    freezing: await trained(base, (model) => {
      const freezer = freezeOscillating(model, { threshold: 0.02 });
      return async () => freezer.update();
    }),
    distilled: await distilled(),
  };

  const names = Object.keys(steps) as (keyof typeof steps)[];
  const lists = () =>
    Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<keyof typeof steps, number[]>;
  const [times, cpuTimes] = [lists(), lists()];
  for (let round = -1; round < ROUNDS; round++)
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + names.length) % names.length]!;
      const [start, cpuStart] = [performance.now(), process.cpuUsage()];
      await steps[name]();
      const { user, system } = process.cpuUsage(cpuStart);
      if (round < 0) continue;
      times[name].push(performance.now() - start);
      cpuTimes[name].push((user + system) / 1000);
    }
  const ratios = (of: typeof times) =>
    Object.fromEntries(
      names
        .filter((name) => name !== 'plain')
        .map((name) => [name, Number(median(of[name].map((time, round) => time / of.plain[round]!)).toFixed(3))]),
    );
  const milliseconds = Object.fromEntries(names.map((name) => [name, Math.round(median(times[name]))]));
  return { ...ratios(times), cpu: ratios(cpuTimes), milliseconds, rounds: ROUNDS };
}
