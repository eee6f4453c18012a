import * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmWrapper } from '../../backends/kernel';

/** A tensor repeated along its axes, on wasm, by copies of what is already there. */
export const tile = wasmWrapper<Tensors<'x'>, { reps: number[] }>('Tile', ({ x }, { reps }, wasm, stock) => {
  if (x.dtype === 'string') return stock();
  wasm.getMemoryOffset(x.dataId);
  const out = wasm.makeOutput(
    x.shape.map((size, axis) => size * reps[axis]),
    x.dtype,
  );
  const target = wasm.typedArrayFromHeap(out);
  if (target.length === 0) return out;
  // What is repeated so far lies packed at the start; the last axis comes first, and each one moves blocks apart,
  // from the last block on, so that none is written over before it has moved.
  target.set(wasm.typedArrayFromHeap(x));
  let block = 1;
  for (let axis = x.shape.length - 1; axis >= 0; axis--) {
    block *= x.shape[axis];
    const times = reps[axis];
    if (times === 1) continue;
    const outer = tf.util.sizeFromShape(x.shape.slice(0, axis));
    for (let o = outer - 1; o >= 0; o--) {
      const from = o * block * times;
      target.copyWithin(from, o * block, (o + 1) * block);
      for (let filled = block; filled < block * times; filled *= 2)
        target.copyWithin(from + filled, from, from + Math.min(filled, block * times - filled));
    }
    block *= times;
  }
  return out;
});
