/**
 * Milliseconds per image of every corruption at severity 3 in one thread, randomness and the way from tensor to tensor
 * included: 224×224 with the parameters of ImageNet-C and 32×32 with those of CIFAR-10-C, batches of 32 on the wasm
 * backend (SIMD bodies) against batches of 4 on the cpu backend (the definitions, as plain loops over typed arrays).
 *
 * `sum224` and `sum32` add the medians of the 15 on wasm; the targets are 16 and 1 ms, about a tenth of imagecorruptions. `best224` and `best32` add the fastest rounds, which say more where other programs share the machine.
 */
import { CORRUPTIONS, type CorruptionName, corrupt, type Preset, VALIDATION_CORRUPTIONS } from '@qgen/corruptions';
import { registerKernels } from '@qgen/kernels';
import '@tensorflow/tfjs-backend-cpu';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

const BATCH = { wasm: 32, cpu: 4 } as const;
const ROUNDS = 7;
const NAMES = [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS] as const;

type BackendName = keyof typeof BATCH;
type Times = Readonly<Record<CorruptionName, { readonly median: number; readonly best: number }>>;

export async function run(): Promise<Record<string, number | object>> {
  setThreadsCount(1);
  const large = await perImage(224, 'imagenet-c');
  const small = await perImage(32, 'cifar-c');
  const sum = (times: Times, kind: 'median' | 'best') =>
    rounded(CORRUPTIONS.reduce((total, name) => total + times[name][kind], 0));
  const medians = (times: Times) => Object.fromEntries(NAMES.map((name) => [name, rounded(times[name].median)]));
  return {
    sum224: sum(large.wasm, 'median'),
    sum32: sum(small.wasm, 'median'),
    best224: sum(large.wasm, 'best'),
    best32: sum(small.wasm, 'best'),
    definition224: sum(large.cpu, 'median'),
    definition32: sum(small.cpu, 'median'),
    speedup224: rounded(sum(large.cpu, 'median') / sum(large.wasm, 'median')),
    speedup32: rounded(sum(small.cpu, 'median') / sum(small.wasm, 'median')),
    ms224: medians(large.wasm),
    ms32: medians(small.wasm),
  };
}

/** Milliseconds per image on both backends over interleaved rounds, the first of which only warms up. */
async function perImage(side: number, preset: Preset): Promise<Record<BackendName, Times>> {
  const times = { wasm: new Map<CorruptionName, number[]>(), cpu: new Map<CorruptionName, number[]>() };
  for (let round = 0; round <= ROUNDS; round++)
    for (const backend of ['wasm', 'cpu'] as const) {
      await tf.setBackend(backend);
      await registerKernels();
      const images = picture(BATCH[backend], side);
      for (const name of NAMES) {
        const start = performance.now();
        corrupt(images, name, { severity: 3, preset, seed: round }).dispose();
        const ms = (performance.now() - start) / BATCH[backend];
        if (round > 0) times[backend].set(name, [...(times[backend].get(name) ?? []), ms]);
      }
      images.dispose();
    }
  const summary = (of: Map<CorruptionName, number[]>) =>
    Object.fromEntries(
      NAMES.map((name) => {
        const sorted = of.get(name)!.sort((a, b) => a - b);
        return [name, { median: sorted[ROUNDS >> 1]!, best: sorted[0]! }];
      }),
    ) as Times;
  return { wasm: summary(times.wasm), cpu: summary(times.cpu) };
}

/** A batch of colour gradients with texture on them, all different. */
function picture(count: number, side: number): tf.Tensor4D {
  const levels = new Int32Array(count * side * side * 3);
  for (let i = 0; i < levels.length; i++) {
    const pixel = Math.floor(i / 3);
    const x = pixel % side;
    const y = Math.floor(pixel / side) % side;
    const image = Math.floor(pixel / (side * side));
    const wave = Math.sin((x * (1 + (i % 3)) + y * 2 + image * 7) / 9) + Math.sin((x - y) / (3 + image));
    levels[i] = Math.min(255, Math.max(0, Math.round(128 + 50 * wave + (60 * x) / side - (40 * y) / side)));
  }
  return tf.tensor4d(levels, [count, side, side, 3], 'int32');
}

const rounded = (ms: number) => Math.round(ms * 1000) / 1000;
