/**
 * A training step on wasm against its forward pass and against the same step on the cpu backend: a Network-in-Network of
 * four convolutions (3 × 3 and 1 × 1 twice, width 64) on 32 × 32 images, cross-entropy, momentum.
 */
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { registerKernels } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { fourConvolutions } from './networks/network-in-network';

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Medians of a forward pass and of a training step in turns, on the active backend. */
async function forwardAndStep(batch: number, repetitions: number): Promise<{ forward: number; step: number }> {
  const model = fourConvolutions();
  model.compile({ optimizer: tf.train.momentum(0.01, 0.9), loss: 'categoricalCrossentropy' });
  const x = tf.randomNormal([batch, 32, 32, 3], 0, 1, 'float32', 1);
  const y = tf.oneHot(
    tf.tensor1d(
      Array.from({ length: batch }, (_, i) => i % 10),
      'int32',
    ),
    10,
  );
  const times = { forward: [] as number[], step: [] as number[] };
  for (let i = 0; i <= repetitions; i++) {
    const forward = await milliseconds(async () => {
      const output = model.predictOnBatch(x) as tf.Tensor;
      await output.data();
      tf.dispose(output);
    });
    const step = await milliseconds(async () => void (await model.trainOnBatch(x, y)));
    // The first round compiles and fills caches.
    if (i > 0 || repetitions === 0) {
      times.forward.push(forward);
      times.step.push(step);
    }
  }
  tf.dispose([x, y]);
  model.dispose();
  return { forward: median(times.forward), step: median(times.step) };
}

export async function run() {
  await tf.setBackend('wasm');
  await registerKernels();
  const large = await forwardAndStep(128, 9);
  const small = await forwardAndStep(8, 15);
  await tf.setBackend('cpu');
  const cpu = await forwardAndStep(8, 0);
  return {
    stepOverForward: large.step / large.forward,
    speedupOverCpu: cpu.step / small.step,
    milliseconds: {
      forward128: large.forward,
      step128: large.step,
      forward8: small.forward,
      step8: small.step,
      cpuStep8: cpu.step,
    },
  };
}
