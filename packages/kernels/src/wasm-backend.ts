import * as tf from '@tensorflow/tfjs-core';

/** What kernels need of tfjs-backend-wasm's `BackendWasm`, written down so that the backend stays an optional peer. */
export interface WasmBackend {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  disposeData(dataId: object): boolean;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array | Uint8Array;
  getMemoryOffset(dataId: object): number;
}

/** The values of a float32 tensor inside the wasm heap. The view dies when the heap grows: make outputs first. */
export function floats(backend: WasmBackend, tensor: tf.TensorInfo): Float32Array {
  if (tensor.dtype !== 'float32') throw new TypeError(`@qgen/kernels: expected a float32 tensor, got ${tensor.dtype}`);
  return backend.typedArrayFromHeap(tensor) as Float32Array;
}

/** Runs a registered wasm kernel from inside another one; the caller disposes of the output by `backend.disposeData`. */
export function runOnWasm(
  kernelName: string,
  inputs: tf.NamedTensorInfoMap,
  backend: WasmBackend,
  attrs: Record<string, unknown> = {},
): tf.TensorInfo {
  const kernel = tf.getKernel(kernelName, 'wasm');
  return kernel.kernelFunc({ inputs, backend, attrs: attrs as unknown as tf.NamedAttrMap }) as tf.TensorInfo;
}
