import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';

/** What is printed while `work` runs, of kernels and gradients that are there already. */
async function complaints(work: () => Promise<unknown>): Promise<string[]> {
  const printed: string[] = [];
  const spies = (['warn', 'log', 'error'] as const).map((channel) =>
    vi.spyOn(console, channel).mockImplementation((...parts) => void printed.push(parts.join(' '))),
  );
  const debug = tf.env().getBool('DEBUG');
  tf.env().set('DEBUG', true); // tfjs warns of replaced gradients only then
  printed.length = 0;
  try {
    await work();
  } finally {
    tf.env().set('DEBUG', debug);
    for (const spy of spies) spy.mockRestore();
  }
  return printed.filter((line) => !line.includes('running TensorFlow.js in Node.js') && !/^=*\s*$/.test(line));
}

it('prints nothing on import, on a second call, with two backends, and when a backend is started again', async () => {
  const printed = await complaints(async () => {
    const { registerKernels } = await import('@qgen/kernels');
    await registerKernels();
    for (const backend of ['wasm', 'cpu', 'wasm']) await tf.setBackend(backend);
    await registerKernels();
  });
  expect(printed).toEqual([]);
});

it('puts its kernels on a backend once and keeps them there', async () => {
  const { registerKernels } = await import('@qgen/kernels');
  const kernel = tf.getKernel('Conv2DBackpropFilter', 'wasm');
  const gradient = tf.getGradient('FusedBatchNorm');
  await registerKernels();
  await tf.setBackend('cpu');
  await tf.setBackend('wasm');
  expect(tf.getKernel('Conv2DBackpropFilter', 'wasm')).toBe(kernel);
  expect(tf.getGradient('FusedBatchNorm')).toBe(gradient);
});

it('a second copy of the package is silent and leaves the kernels of the first in place', async () => {
  await import('@qgen/kernels');
  const before = tf.getKernelsForBackend('wasm');
  const printed = await complaints(async () => {
    vi.resetModules();
    const copy = await import('@qgen/kernels');
    await copy.registerKernels();
    await tf.setBackend('cpu');
    await tf.setBackend('wasm');
  });
  expect(printed).toEqual([]);
  expect(tf.getKernelsForBackend('wasm')).toEqual(before);
});

it('puts no kernel on a backend that it has none for, only what registers gradients there', async () => {
  await import('@qgen/kernels');
  expect(tf.getKernelsForBackend('tensorflow').map(({ kernelName }) => kernelName)).toEqual(['QGenKernels']);
  expect(tf.getKernelsForBackend('another')).toEqual([]);
});
