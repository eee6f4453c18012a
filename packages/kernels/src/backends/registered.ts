import * as tf from '@tensorflow/tfjs-core';
import { simdModule } from './simd-module';
import type { WasmBackend } from './wasm-backend';

/** Whether the active backend has a kernel of this name. */
export function registered(kernelName: string): boolean {
  // Starts the backend where nothing has yet.
  tf.backend();
  return Boolean(tf.getKernel(kernelName, tf.getBackend()));
}

/** Whether it has one that needs the SIMD module, and the module. */
export function registeredWithSimd(kernelName: string): boolean {
  return registered(kernelName) && simdModule(tf.backend() as unknown as WasmBackend) !== undefined;
}

/**
 * Whether a gradient may be one kernel of this name: not while another gradient is being recorded, which would have to be
 * taken of it; then it is made of operations.
 */
export function ownGradient(kernelName: string): boolean {
  return !recordsGradient() && registeredWithSimd(kernelName);
}

/** Whether a gradient is being recorded, of which another may be taken. */
export const recordsGradient = (): boolean => tf.engine().state.gradientDepth > 0;
