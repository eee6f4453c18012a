/**
 * The cost of quantization-aware training: the time of one training step of a quantized network over that of the same
 * network in float, Network-in-Network of width 64 on batches of 128 images of 32 × 32, on the wasm backend.
 *
 * `w4` quantizes the weights to 4 bits, `w4a4` the inputs of layers too. The three models take turns, step by step, in
 * an order that rotates, so that a noisy machine meets them alike; the figures are medians over the rounds of the ratio
 * within a round, of wall time and, under `cpu`, of the processor time that this process used.
 */
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import { registerKernels } from '@qgen/kernels';
import { quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { networkInNetwork } from './networks/network-in-network';

const BATCH = 128;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15);

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

export async function run(): Promise<Record<string, number | object>> {
  await tf.setBackend('wasm');
  await tf.ready();
  await registerKernels();
  const float = networkInNetwork();
  const models = {
    float,
    w4: await quantizeModel(float, { bits: 4, firstLast: 'same' }),
    w4a4: await quantizeModel(float, { bits: 4, firstLast: 'same', activations: 4 }),
  };
  for (const model of Object.values(models))
    model.compile({ optimizer: tf.train.momentum(0.01, 0.9), loss: 'categoricalCrossentropy' });
  const x = tf.randomNormal([BATCH, 32, 32, 3], 0, 1, 'float32', 1);
  const y = tf.oneHot(
    tf.tensor1d(
      Array.from({ length: BATCH }, (_, i) => i % 10),
      'int32',
    ),
    10,
  );
  const names = Object.keys(models) as (keyof typeof models)[];
  const lists = () => ({ float: [] as number[], w4: [] as number[], w4a4: [] as number[] });
  const [times, cpuTimes] = [lists(), lists()];
  for (let round = -1; round < ROUNDS; round++)
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + names.length) % names.length]!;
      const [start, cpuStart] = [performance.now(), process.cpuUsage()];
      await models[name].trainOnBatch(x, y);
      const { user, system } = process.cpuUsage(cpuStart);
      if (round < 0) continue;
      times[name].push(performance.now() - start);
      cpuTimes[name].push((user + system) / 1000);
    }
  const milliseconds = Object.fromEntries(names.map((name) => [name, Math.round(median(times[name]))]));
  const ratio = (of: typeof times, name: keyof typeof models) =>
    Number(median(of[name].map((time, round) => time / of.float[round]!)).toFixed(3));
  const cpu = { w4: ratio(cpuTimes, 'w4'), w4a4: ratio(cpuTimes, 'w4a4') };
  return { w4: ratio(times, 'w4'), w4a4: ratio(times, 'w4a4'), cpu, milliseconds, rounds: ROUNDS };
}
