import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';

export type BackendName = 'cpu' | 'wasm' | 'webgpu' | 'tensorflow';

/** The backends that the running vitest project covers: `describe.each(backends)('… on %s', …)`. */
export const backends = (process.env.QGEN_BACKENDS ?? 'cpu,wasm').split(',') as readonly BackendName[];

/** Makes `name` the active backend. */
export async function useBackend(name: BackendName): Promise<void> {
  if (name === 'wasm') {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    if (typeof window !== 'undefined') {
      const dist = `/@fs${__ROOT__}/node_modules/@tensorflow/tfjs-backend-wasm/dist/`;
      setWasmPaths(dist);
    }
  }
  if (name === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
  if (name === 'tensorflow' && !tf.findBackendFactory(name)) await loadNative();
  if (!(await tf.setBackend(name))) throw new Error(`useBackend: ${name} does not start here`);
  await tf.ready();
}

/**
 * Loads tfjs-node from where `npm run native` built it. It brings copies of tfjs-core and of the cpu backend, which share
 * the registries of ours, warn that each kernel is registered already, and take the place of what we registered on cpu.
 */
async function loadNative(): Promise<void> {
  const { createRequire } = await import('node:module');
  const { warn } = console;
  console.warn = () => {};
  try {
    const registered = tf.getKernel('QGenKernels', 'cpu');
    createRequire(import.meta.url)(process.env.QGEN_NATIVE!);
    if (registered) await (await import('@qgen/kernels/register')).registerKernels();
  } finally {
    console.warn = warn;
  }
}

/** The number of tensors that `work` leaves behind. */
export async function leakedTensors(work: () => unknown | Promise<unknown>): Promise<number> {
  const before = tf.memory().numTensors;
  await work();
  return tf.memory().numTensors - before;
}
