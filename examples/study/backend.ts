import { createRequire } from 'node:module';
import { registerKernels } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { findNative } from '../../scripts/native.mjs';
import { tensorFlowDevice } from '../shared/tensorflow-device';
import { UsageError } from '../shared/usage-error';
import type { Backend } from './plan/backend-name';

/**
 * Starts a backend on so many threads, null for its own choice, and says what computes. Throws a UsageError that says
 * what this machine lacks.
 */
export async function startBackend(backend: Backend, threads: number | null = null): Promise<string> {
  if (backend === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
  if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  if (backend === 'webgpu') await startDawn();
  const native = backend === 'node' || backend === 'node-gpu';
  if (native) await loadTensorFlow(backend, threads);
  await registerKernels();
  await tf.setBackend(native ? 'tensorflow' : backend);
  await tf.ready();
  return native ? `TensorFlow ${tensorFlowVersion()} on the ${tensorFlowDevice()}` : backend;
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

/** tfjs-node or tfjs-node-gpu where it is installed; for `node`, what `npm run native` built does as well. */
async function loadTensorFlow(backend: 'node' | 'node-gpu', threads: number | null): Promise<void> {
  // TensorFlow reads them when it is loaded. Its own choice is one thread for each processor that this process may use.
  if (threads !== null) process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const name = backend === 'node' ? '@tensorflow/tfjs-node' : '@tensorflow/tfjs-node-gpu';
  const installed = createRequire(import.meta.url);
  const built = backend === 'node' ? findNative() : undefined;
  try {
    installed(isInstalled(installed, name) ? name : (built ?? name));
  } catch (error) {
    const remedy =
      backend === 'node'
        ? 'run npm run native or npx pnpm add -w @tensorflow/tfjs-node@4.22.0'
        : `run npx pnpm add -w ${name}@4.22.0 on a machine with CUDA`;
    const [reason] = (error as Error).message.split('\n');
    throw new UsageError(`--backend ${backend}: ${name} did not load (${reason}); ${remedy}, or use --backend wasm`);
  }
}

function isInstalled({ resolve }: NodeJS.Require, name: string): boolean {
  try {
    return resolve(name) !== '';
  } catch {
    return false;
  }
}

const tensorFlowVersion = (): string =>
  (tf.backend() as unknown as { readonly binding: { readonly TF_Version: string } }).binding.TF_Version;
