import type * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmWrapper } from '../../backends/kernel';
import type { WasmBackend } from '../../backends/wasm-backend';

/** The same values under another name; tfjs-backend-wasm copies them. */
export const identity = wasmWrapper<Tensors<'x'>>('Identity', ({ x }, _, wasm, stock) =>
  x.dtype === 'string' ? stock() : shared(wasm, x),
);

/** A transposition that moves nothing but axes of length 1 copies nothing; Dense on a sequence makes one of its kernel. */
export const transpose = wasmWrapper<Tensors<'x'>, { perm: number[] }>('Transpose', ({ x }, { perm }, wasm, stock) => {
  const moved = perm.filter((axis) => x.shape[axis] !== 1);
  if (x.dtype === 'string' || !moved.every((axis, i) => i === 0 || moved[i - 1] < axis)) return stock();
  return { ...shared(wasm, x), shape: perm.map((axis) => x.shape[axis]) };
});

/** A cast to the type a tensor has copies nothing; one to bool is x ≠ 0, where tfjs-backend-wasm takes x mod 256. */
export const cast = wasmWrapper<Tensors<'x'>, { dtype: tf.DataType }>('Cast', ({ x }, { dtype }, wasm, stock) => {
  if (x.dtype === 'string') return stock();
  if (x.dtype === dtype) return shared(wasm, x);
  if (dtype !== 'bool') return stock();
  wasm.getMemoryOffset(x.dataId);
  const out = wasm.makeOutput(x.shape, 'bool');
  const values = wasm.typedArrayFromHeap(x);
  const flags = wasm.typedArrayFromHeap(out);
  for (let i = 0; i < flags.length; i++) flags[i] = values[i] === 0 ? 0 : 1;
  return out;
});

function shared(wasm: WasmBackend, x: tf.TensorInfo): tf.TensorInfo {
  // Brings in values that lie on another backend.
  wasm.getMemoryOffset(x.dataId);
  wasm.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}
