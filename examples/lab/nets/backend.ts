import { registerKernels } from '@qgen/kernels';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';

/** Starts the first backend that works here, in the order WebGPU, wasm, cpu, or from `first` on; returns its name. */
export async function startBackend(first: string | null, onLost: () => void): Promise<string> {
  setWasmPaths({
    'tfjs-backend-wasm.wasm': plain,
    'tfjs-backend-wasm-simd.wasm': simd,
    'tfjs-backend-wasm-threaded-simd.wasm': threaded,
  });
  const order = ['webgpu', 'wasm', 'cpu'];
  for (const name of order.slice(Math.max(0, order.indexOf(first ?? '')))) {
    if (name === 'webgpu' && !(await hasGpu(first === 'webgpu'))) continue;
    if (name === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
    await registerKernels();
    if (!(await tf.setBackend(name).catch(() => false))) continue;
    await tf.ready();
    if (name === 'webgpu') (tf.backend() as WebGPUBackend).device.lost.then(onLost);
    return name;
  }
  throw new Error('no backend starts in this browser; it needs WebAssembly or WebGPU');
}

/** Whether there is a GPU; one made of software is slower than wasm and counts only where it was asked for. */
async function hasGpu(acceptSoftware: boolean): Promise<boolean> {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) return false;
  const { isFallbackAdapter } = adapter.info as GPUAdapterInfo & { readonly isFallbackAdapter?: boolean };
  return (
    acceptSoftware ||
    !(isFallbackAdapter || /swiftshader|llvmpipe/i.test(adapter.info.architecture + adapter.info.description))
  );
}
