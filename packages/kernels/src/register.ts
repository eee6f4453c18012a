import './no-backend';
import * as tf from '@tensorflow/tfjs-core';
import { batchNorm } from './batch-norm';
import { batchNormGradient } from './batch-norm-gradient';
import { comparisonGradients } from './comparison-gradients';
import { conv2DBackpropFilter, conv2DBackpropInput } from './conv-gradients';
import { convPadding } from './conv-padding';
import { conv3DBackpropFilter, conv3DBackpropInput, conv3DBackpropInputGradient } from './conv3d-gradients';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './depthwise-gradients';
import { dilatedConvGradients } from './dilated-conv-gradients';
import { einsum, einsumGradient } from './einsum';
import { fakeQuantKernels } from './fake-quant-kernels';
import { gather } from './gather';
import type { GradientWrapper } from './gradient-wrapper';
import { cast, identity } from './identity';
import type { KernelWrapper } from './kernel-wrapper';
import { batchMatMul, fusedMatMul } from './mat-mul';
import { maxPoolGrad } from './pool-gradients';
import { resizeBilinearGrad, resizeNearestNeighborGrad } from './resize-gradients';
import { loadSimd } from './simd-module';
import { slices } from './slice';
import { mean, sum } from './sum';
import { tile } from './tile';
import { unsortedSegmentSum } from './unsorted-segment-sum';
import type { WasmBackend } from './wasm-backend';
import { webgpuFakeQuantKernels } from './webgpu/fake-quant';

/** The kernels that training needs, each with its backend; where tfjs has one of the same name, ours takes its place. */
export const kernels: readonly (tf.KernelConfig | KernelWrapper)[] = [
  conv2DBackpropFilter,
  conv2DBackpropInput,
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
  ...convPadding,
  batchNorm,
  maxPoolGrad,
  conv3DBackpropFilter,
  conv3DBackpropInput,
  resizeBilinearGrad,
  resizeNearestNeighborGrad,
  batchMatMul,
  fusedMatMul,
  sum,
  mean,
  identity,
  cast,
  ...slices,
  gather,
  tile,
  unsortedSegmentSum,
  einsum,
  ...fakeQuantKernels,
  ...webgpuFakeQuantKernels,
];

/** Gradients, the same on every backend. */
const gradients: readonly (tf.GradConfig | GradientWrapper)[] = [
  ...dilatedConvGradients,
  conv3DBackpropInputGradient,
  batchNormGradient,
  einsumGradient,
  ...comparisonGradients,
];

/** On the last two there are only gradients to register. */
const backendNames = ['cpu', 'wasm', 'webgpu', 'webgl', 'tensorflow'] as const;

const markers: readonly tf.KernelConfig[] = backendNames.map((backendName) => ({
  kernelName: 'QGenKernels',
  backendName,
  kernelFunc: () => [],
  setupFunc: () => {
    installKernels(backendName);
    installGradients();
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
    const ours = 'wrap' in kernel ? { ...present!, kernelFunc: kernel.wrap(present!.kernelFunc) } : kernel;
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
    const ours = 'wrap' in gradient ? gradient.wrap(present!) : gradient;
    if (present) tf.unregisterGradient(gradient.kernelName);
    tf.registerGradient(ours);
    installed.add(ours);
  }
}
