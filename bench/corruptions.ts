/**
 * Milliseconds per image of every corruption at severity 3, batches of 32, on the wasm backend, one thread: 224×224 with
 * the parameters of ImageNet-C and 32×32 with those of CIFAR-10-C. `sum224` and `sum32` add the 15; the targets, a tenth
 * of imagecorruptions with numba, are 16 and 1 ms. Randomness is drawn anew for every batch and counts.
 */
import { CORRUPTIONS, type CorruptionName, corrupt, type Preset, VALIDATION_CORRUPTIONS } from '@qgen/corruptions';
import { registerKernels } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';

const BATCH = 32;
const ROUNDS = 5;

export async function run(): Promise<Record<string, number | object>> {
  setThreadsCount(1);
  await tf.setBackend('wasm');
  await registerKernels();
  const at224 = perImage(224, 'imagenet-c');
  const at32 = perImage(32, 'cifar-c');
  const sum = (ms: Record<string, number>) => rounded(CORRUPTIONS.reduce((total, name) => total + ms[name]!, 0));
  return { sum224: sum(at224), sum32: sum(at32), ms224: at224, ms32: at32 };
}

/** Medians over interleaved rounds, the first of which only warms up. */
function perImage(side: number, preset: Preset): Record<string, number> {
  const images = picture(side);
  const names = [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS];
  const times = new Map<CorruptionName, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++)
    for (const name of names) {
      const start = performance.now();
      corrupt(images, name, { severity: 3, preset, seed: round }).dispose();
      if (round > 0) times.get(name)!.push((performance.now() - start) / BATCH);
    }
  images.dispose();
  return Object.fromEntries(names.map((name) => [name, rounded(times.get(name)!.sort((a, b) => a - b)[ROUNDS >> 1]!)]));
}

/** A batch of colour gradients with texture on them, all different. */
function picture(side: number): tf.Tensor4D {
  const levels = new Int32Array(BATCH * side * side * 3);
  for (let i = 0; i < levels.length; i++) {
    const pixel = Math.floor(i / 3);
    const x = pixel % side;
    const y = Math.floor(pixel / side) % side;
    const image = Math.floor(pixel / (side * side));
    const wave = Math.sin((x * (1 + (i % 3)) + y * 2 + image * 7) / 9) + Math.sin((x - y) / (3 + image));
    levels[i] = Math.min(255, Math.max(0, Math.round(128 + 50 * wave + (60 * x) / side - (40 * y) / side)));
  }
  return tf.tensor4d(levels, [BATCH, side, side, 3], 'int32');
}

const rounded = (ms: number) => Math.round(ms * 1000) / 1000;
