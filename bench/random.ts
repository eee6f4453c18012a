/**
 * A million random numbers: Philox against tf.randomNormal and tf.randomUniform. `QGEN_BACKEND=webgpu` runs it on a GPU
 * (through Dawn), `cpu` on plain JavaScript.
 */
import { randomBits, randomNormal, randomUniform } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { type BackendName, useBackend } from '../test/backends';

const N = 1e6;

const draws = {
  normal: (seed: number) => randomNormal([N], { seed }),
  tfNormal: (seed: number) => tf.randomNormal([N], 0, 1, 'float32', seed),
  uniform: (seed: number) => randomUniform([N], { seed }),
  tfUniform: (seed: number) => tf.randomUniform([N], 0, 1, 'float32', seed),
  bits: (seed: number) => randomBits([N], { seed }),
};

interface Time {
  readonly wall: number;
  readonly processor: number;
}

/** Milliseconds of a draw, the mean of as many as take about as long as one of tfjs, until the last has arrived. */
async function time(draw: (seed: number) => tf.Tensor, seed: number, count: number): Promise<Time> {
  const start = performance.now();
  const before = process.cpuUsage();
  for (let i = 1; i < count; i++) draw(seed).dispose();
  const values = draw(seed);
  // On wasm and cpu the numbers are there when the call returns.
  if (tf.getBackend() === 'webgpu') await tf.tidy(() => tf.slice(values, [N - 1], [1])).data();
  const { user, system } = process.cpuUsage(before);
  const wall = performance.now() - start;
  values.dispose();
  return { wall: wall / count, processor: (user + system) / 1000 / count };
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

export async function run(): Promise<Readonly<Record<string, number | string>>> {
  const backend = (process.env.QGEN_BACKEND ?? 'wasm') as BackendName;
  if (backend === 'webgpu') await import('../test/dawn');
  await useBackend(backend);
  const times = new Map<string, Time[]>(Object.keys(draws).map((name) => [name, []]));
  // The first three rounds warm up.
  for (let i = -3; i < 21; i++)
    for (const [name, draw] of Object.entries(draws)) {
      const elapsed = await time(draw, i + 3, name.startsWith('tf') ? 1 : 10);
      if (i >= 0) times.get(name)!.push(elapsed);
    }
  const ms = (name: keyof typeof draws, clock: keyof Time = 'wall') =>
    median(times.get(name)!.map((elapsed) => elapsed[clock]));
  const figures = {
    speedupOverTf: ms('tfNormal') / ms('normal'),
    // On a machine that does other work too, this is the steadier of the two.
    speedupOverTfProcessorTime: ms('tfNormal', 'processor') / ms('normal', 'processor'),
    speedupOverTfUniform: ms('tfUniform') / ms('uniform'),
    msNormal: ms('normal'),
    msTfNormal: ms('tfNormal'),
    msUniform: ms('uniform'),
    msTfUniform: ms('tfUniform'),
    msBits: ms('bits'),
  };
  const rounded = Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(3))]);
  return { backend, ...Object.fromEntries(rounded) };
}
