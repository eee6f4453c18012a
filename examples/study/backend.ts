import { registerKernels } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import type { Backend } from './configuration';
import { UsageError } from './configuration';

/** Starts a backend, or throws a UsageError that says what this machine lacks. */
export async function startBackend(backend: Backend): Promise<void> {
  if (backend === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
  if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  if (backend === 'webgpu') await startDawn();
  if (backend === 'node-gpu') await importNodeGpu();
  await registerKernels();
  await tf.setBackend(backend === 'node-gpu' ? 'tensorflow' : backend);
  await tf.ready();
}

/** Dawn, the WebGPU of Chromium, as `navigator.gpu` in Node. */
async function startDawn(): Promise<void> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  if (!(await gpu.requestAdapter()))
    throw new UsageError(
      '--backend webgpu: no GPU adapter found; install a Vulkan driver (or name one in VK_ICD_FILENAMES), or use --backend wasm',
    );
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  await import('@tensorflow/tfjs-backend-webgpu');
}

async function importNodeGpu(): Promise<void> {
  const name = '@tensorflow/tfjs-node-gpu';
  try {
    await import(name);
  } catch {
    throw new UsageError(
      `--backend node-gpu: ${name} is not installed or finds no CUDA; run npx pnpm add -w ${name}@4.22.0 on a machine with CUDA, or use --backend wasm`,
    );
  }
}
