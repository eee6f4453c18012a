import type * as tf from '@tensorflow/tfjs-core';
import type { KernelWrapper } from '../../backends/kernel-wrapper';
import type { WasmBackend } from '../../backends/wasm-backend';

/** The same values under another name; tfjs-backend-wasm copies them. */
export const identity: KernelWrapper = {
  kernelName: 'Identity',
  backendName: 'wasm',
  wrap: (stock) => (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    return x.dtype === 'string' ? stock(args) : shared(args.backend as WasmBackend, x);
  },
};

/** A transposition that moves nothing but axes of length 1 copies nothing; Dense on a sequence makes one of its kernel. */
export const transpose: KernelWrapper = {
  kernelName: 'Transpose',
  backendName: 'wasm',
  wrap: (stock) => (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    const { perm } = args.attrs as unknown as { perm: number[] };
    const moved = perm.filter((axis) => x.shape[axis] !== 1);
    if (x.dtype === 'string' || !moved.every((axis, i) => i === 0 || moved[i - 1]! < axis)) return stock(args);
    return { ...shared(args.backend as WasmBackend, x), shape: perm.map((axis) => x.shape[axis]!) };
  },
};

/** A cast to the type a tensor has copies nothing; one to bool is x ≠ 0, where tfjs-backend-wasm takes x mod 256. */
export const cast: KernelWrapper = {
  kernelName: 'Cast',
  backendName: 'wasm',
  wrap: (stock) => (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    const { dtype } = args.attrs as unknown as { dtype: tf.DataType };
    const wasm = args.backend as WasmBackend;
    if (x.dtype === 'string') return stock(args);
    if (x.dtype === dtype) return shared(wasm, x);
    if (dtype !== 'bool') return stock(args);
    wasm.getMemoryOffset(x.dataId);
    const out = wasm.makeOutput(x.shape, 'bool');
    const values = wasm.typedArrayFromHeap(x);
    const flags = wasm.typedArrayFromHeap(out);
    for (let i = 0; i < flags.length; i++) flags[i] = values[i] === 0 ? 0 : 1;
    return out;
  },
};

function shared(wasm: WasmBackend, x: tf.TensorInfo): tf.TensorInfo {
  // Brings in values that lie on another backend.
  wasm.getMemoryOffset(x.dataId);
  wasm.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}
