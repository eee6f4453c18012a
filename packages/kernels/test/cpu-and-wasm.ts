import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import '@qgen/kernels';

// The cpu backend, which is the reference here, is slow.
vi.setConfig({ testTimeout: 120_000 });

/** Numbers in (−1, 1) without ties, the same on every backend. */
export function numbers(shape: readonly number[], seed: number): tf.Tensor {
  const values = Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });
  return tf.tensor(values, [...shape]);
}

/** What `work` gives on a backend. */
export async function on(backend: 'cpu' | 'wasm', work: () => tf.Tensor | readonly tf.Tensor[]): Promise<Result[]> {
  await tf.setBackend(backend);
  const made = tf.tidy(() => [work()].flat() as tf.Tensor[]);
  const results = made.map((tensor) => ({
    shape: tensor.shape,
    dtype: tensor.dtype,
    values: Float32Array.from(tensor.dataSync()),
  }));
  tf.dispose(made);
  return results;
}

interface Result {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values: Float32Array;
}

/** The largest difference of two results over the largest absolute value of the first. */
function difference(reference: Result, result: Result): number {
  expect(result.shape).toEqual(reference.shape);
  expect(result.dtype).toBe(reference.dtype);
  let [worst, largest] = [0, 1e-30];
  reference.values.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    if (!Object.is(value, result.values[i])) worst = Math.max(worst, Math.abs(value - result.values[i]));
  });
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst / largest;
}

/** Runs `work` on both backends and expects equal results within `tolerance` of the largest value of a tensor. */
export async function expectSame(work: () => tf.Tensor | readonly tf.Tensor[], tolerance = 1e-5): Promise<void> {
  const cpu = await on('cpu', work);
  const wasm = await on('wasm', work);
  expect(wasm.length).toBe(cpu.length);
  cpu.forEach((reference, i) => {
    expect(difference(reference, wasm[i])).toBeLessThanOrEqual(tolerance);
  });
}

/** Runs one kernel of the active backend. */
export const run = (kernelName: string, inputs: tf.NamedTensorMap, attributes: object = {}): tf.Tensor =>
  tf.engine().runKernel(kernelName, inputs, attributes as tf.NamedAttrMap);

/** Starts the wasm backend anew, on a memory of its own. */
async function restartWasm(): Promise<void> {
  const factory = tf.findBackendFactory('wasm');
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
  await tf.setBackend('wasm');
}

/** Puts the suite on a wasm backend where, as under a strict security policy, our SIMD module can't be compiled. */
export function withoutSimd(): void {
  const refuse = () => {
    throw new WebAssembly.CompileError('refused');
  };
  restartedWhere({ Module: refuse, instantiate: refuse });
}

/** Puts the suite on a wasm backend of a machine without relaxed SIMD, which every one of Node 20 is. */
export function withPlainSimd(): void {
  restartedWhere({ validate: () => false });
}

/** Starts the wasm backend anew, for the suite, where functions of WebAssembly are others. */
function restartedWhere(others: Readonly<Record<string, () => unknown>>): void {
  const { Module, instantiate, validate } = WebAssembly;
  beforeAll(async () => {
    await restartWasm();
    Object.assign(WebAssembly, others);
  });
  afterAll(async () => {
    Object.assign(WebAssembly, { Module, instantiate, validate });
    await restartWasm();
  });
}
