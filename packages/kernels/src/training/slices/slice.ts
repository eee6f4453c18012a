import * as tf from '@tensorflow/tfjs-core';
import { type KernelWrapper, type Tensors, wasmWrapper } from '../../backends/kernel';
import type { WasmBackend } from '../../backends/wasm-backend';

/** Parts of tensors on wasm, copied in runs; tfjs-backend-wasm copies the whole tensor first, for every part. */
export const slices: readonly KernelWrapper[] = [
  wasmWrapper<Tensors<'x'>, { begin: number[]; size: number[] }>('Slice', ({ x }, given, wasm, stock) => {
    if (x.dtype === 'string') return stock();
    const parameters = tf.slice_util.parseSliceParams(x as tf.Tensor, given.begin, given.size);
    const [begin, size] = parameters as [number[], number[]];
    tf.slice_util.assertParamsValid(x as tf.Tensor, begin, size);
    return part(wasm, x, begin, size);
  }),
  wasmWrapper<Tensors<'value'>, { axis: number }>('Unpack', ({ value }, attributes, wasm, stock) => {
    const axis = tf.util.parseAxisParam(attributes.axis, value.shape)[0];
    if (value.dtype === 'string') return stock();
    const shape = value.shape.filter((_, i) => i !== axis);
    const ones = new Array<number>(value.shape[axis]).fill(1);
    return parts(wasm, value, axis, ones).map((made) => ({ ...made, shape }));
  }),
  wasmWrapper<Tensors<'x'>, { axis: number; numOrSizeSplits: number | number[] }>(
    'SplitV',
    ({ x }, attributes, wasm, stock) => {
      const axis = tf.util.parseAxisParam(attributes.axis, x.shape)[0];
      if (x.dtype === 'string') return stock();
      return parts(wasm, x, axis, tf.backend_util.prepareSplitSize(x as tf.Tensor, attributes.numOrSizeSplits, axis));
    },
  ),
];

/** Consecutive parts of these sizes along an axis. */
function parts(wasm: WasmBackend, x: tf.TensorInfo, axis: number, sizes: readonly number[]): tf.TensorInfo[] {
  let from = 0;
  return sizes.map((size) => {
    const begin = x.shape.map((_, i) => (i === axis ? from : 0));
    from += size;
    return part(
      wasm,
      x,
      begin,
      x.shape.map((whole, i) => (i === axis ? size : whole)),
    );
  });
}

function part(wasm: WasmBackend, x: tf.TensorInfo, begin: readonly number[], size: number[]): tf.TensorInfo {
  wasm.getMemoryOffset(x.dataId);
  const out = wasm.makeOutput(size, x.dtype);
  const total = tf.util.sizeFromShape(size);
  if (total === 0) return out;
  const strides = tf.util.computeStrides(x.shape).concat(1);
  // The axes behind the last one that isn't taken whole lie in one run with it.
  let last = size.length - 1;
  while (last > 0 && size[last] === x.shape[last]) last--;
  const run = last < 0 ? 1 : size[last] * strides[last];
  const source = wasm.typedArrayFromHeap(x);
  const target = wasm.typedArrayFromHeap(out);
  const at = new Array<number>(Math.max(0, last)).fill(0);
  let from = begin.reduce((offset, position, axis) => offset + position * strides[axis], 0);
  for (let to = 0; to < total; to += run) {
    if (run < 16) for (let i = 0; i < run; i++) target[to + i] = source[from + i];
    else target.set(source.subarray(from, from + run), to);
    for (let axis = last - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++at[axis] < size[axis]) break;
      from -= size[axis] * strides[axis];
      at[axis] = 0;
    }
  }
  return out;
}
