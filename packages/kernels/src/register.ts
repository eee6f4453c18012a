import './backends/chained-methods';
import './backends/no-backend';
import * as tf from '@tensorflow/tfjs-core';
import { loadSimd } from './backends/simd-module';
import type { WasmBackend } from './backends/wasm-backend';
import { gradients, kernels } from './kernels';
import { installMethodBodies } from './training/method-bodies';

/** On the last two there are only gradients to register. */
const backendNames = ['cpu', 'wasm', 'webgpu', 'webgl', 'tensorflow'] as const;

const markers: readonly tf.KernelConfig[] = backendNames.map((backendName) => ({
  kernelName: 'QGenKernels',
  backendName,
  kernelFunc: () => [],
  setupFunc: () => {
    installKernels(backendName);
    installGradients();
    installMethodBodies();
  },
}));

/** What this copy of the package has registered. */
const installed = new WeakSet<tf.KernelConfig | tf.GradConfig>();

/**
 * Registers the kernels of this package on the backends `cpu`, `wasm` and `webgpu`, and its gradients. Importing
 * `@qgen/kernels` does the same; importing `@qgen/kernels/register` registers nothing until this is called.
 * Silent and idempotent. A backend that is registered later gets its kernels when it is made active: tfjs then calls the
 * setup function of every kernel the backend has, one of which is our marker. A second copy of the package finds the
 * marker of the first and leaves the backend to it. Awaited once tfjs-backend-wasm is ready, it compiles the SIMD kernels
 * off the main thread; otherwise their first call compiles them, which some older browsers refuse on a page's main thread.
 */
export async function registerKernels(): Promise<void> {
  for (const marker of markers) {
    const present: tf.KernelConfig | undefined = tf.getKernel(marker.kernelName, marker.backendName);
    if (present && present !== marker) continue;
    if (!present) tf.registerKernel(marker);
    if (tf.findBackendFactory(marker.backendName)) installKernels(marker.backendName);
    installGradients();
    installMethodBodies();
  }
  const { wasm } = tf.engine().registry;
  if (wasm) await loadSimd(wasm as unknown as WasmBackend);
}

/** Puts our kernels on a backend, without the warning that tfjs prints for a name that is taken. */
function installKernels(backendName: string): void {
  for (const kernel of kernels) {
    if (kernel.backendName !== backendName) continue;
    const present: tf.KernelConfig | undefined = tf.getKernel(kernel.kernelName, backendName);
    if (present && installed.has(present)) continue;
    if (!present && 'wrap' in kernel) continue;
    const ours = 'wrap' in kernel ? { ...present, kernelFunc: kernel.wrap(present.kernelFunc) } : kernel;
    if (present) tf.unregisterKernel(kernel.kernelName, backendName);
    tf.registerKernel(ours);
    installed.add(ours);
  }
}

/** Registers our gradients; those of tfjs come with tfjs-layers, which may be imported after us. */
function installGradients(): void {
  for (const gradient of gradients) {
    const present: tf.GradConfig | undefined = tf.getGradient(gradient.kernelName);
    if (present && installed.has(present)) continue;
    if (!present && 'wrap' in gradient) continue;
    const ours = 'wrap' in gradient ? gradient.wrap(present) : gradient;
    if (present) tf.unregisterGradient(gradient.kernelName);
    tf.registerGradient(ours);
    installed.add(ours);
  }
}
