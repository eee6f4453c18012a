import * as tf from '@tensorflow/tfjs-core';
import type { KernelWrapper } from '../../backends/kernel-wrapper';
import type { WasmBackend } from '../../backends/wasm-backend';

/** A tensor repeated along its axes, on wasm, by copies of what is already there. */
export const tile: KernelWrapper = {
  kernelName: 'Tile',
  backendName: 'wasm',
  wrap: (stock) => (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    const { reps } = args.attrs as unknown as { reps: number[] };
    if (x.dtype === 'string') return stock(args);
    const wasm = args.backend as WasmBackend;
    wasm.getMemoryOffset(x.dataId);
    const out = wasm.makeOutput(
      x.shape.map((size, axis) => size * reps[axis]!),
      x.dtype,
    );
    const target = wasm.typedArrayFromHeap(out);
    if (target.length === 0) return out;
    // What is repeated so far lies packed at the start; the last axis comes first, and each one moves blocks apart,
    // from the last block on, so that none is written over before it has moved.
    target.set(wasm.typedArrayFromHeap(x));
    let block = 1;
    for (let axis = x.shape.length - 1; axis >= 0; axis--) {
      block *= x.shape[axis]!;
      const times = reps[axis]!;
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
  },
};
