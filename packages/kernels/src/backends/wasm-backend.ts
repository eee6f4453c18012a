import * as tf from '@tensorflow/tfjs-core';

/** What kernels need of tfjs-backend-wasm's `BackendWasm`, written down so that the backend stays an optional peer. */
export interface WasmBackend {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  disposeData(dataId: object): boolean;
  incRef(dataId: object): void;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array | Uint8Array;
  getMemoryOffset(dataId: object): number;
}

/** Where tensors lie in the heap. Asking brings in those that lie elsewhere, which may grow the heap: before any view. */
export function addresses<T extends readonly tf.TensorInfo[]>(
  wasm: WasmBackend,
  tensors: T,
): { [K in keyof T]: number } {
  return tensors.map(({ dataId }) => wasm.getMemoryOffset(dataId)) as { [K in keyof T]: number };
}

/** The values of a float32 tensor inside the wasm heap. The view dies when the heap grows: make outputs first. */
export const floats = (wasm: WasmBackend, tensor: tf.TensorInfo): Float32Array =>
  wasm.typedArrayFromHeap(tensor) as Float32Array;

/** A new float32 tensor of zeros. */
export function zeros(wasm: WasmBackend, shape: number[]): tf.TensorInfo {
  const output = wasm.makeOutput(shape, 'float32');
  floats(wasm, output).fill(0);
  return output;
}

/** Throws a TypeError that names the kernel and the first of `tensors` that isn't float32. */
export function requireFloat32(kernelName: string, tensors: Readonly<Record<string, tf.TensorInfo>>): void {
  for (const [name, { dtype }] of Object.entries(tensors))
    if (dtype !== 'float32')
      throw new TypeError(`${kernelName}: ${name} must be float32, got ${dtype}; tf.cast it to 'float32' first`);
}

/** Runs a registered wasm kernel from inside another one; the caller disposes of the output by `wasm.disposeData`. */
export function runOnWasm(
  wasm: WasmBackend,
  kernelName: string,
  inputs: tf.NamedTensorInfoMap,
  attributes: object = {},
): tf.TensorInfo {
  const kernel = tf.getKernel(kernelName, 'wasm');
  return kernel.kernelFunc({ inputs, backend: wasm, attrs: attributes as tf.NamedAttrMap }) as tf.TensorInfo;
}
