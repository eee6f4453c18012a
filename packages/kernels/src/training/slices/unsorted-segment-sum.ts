import * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmKernel } from '../../backends/kernel';
import { addresses } from '../../backends/wasm-backend';

/**
 * out[s] = Σ x[i] over the i with segmentIds[i] = s, on wasm, which has no such kernel: the gradient of a gather, and so
 * of an Embedding. Rows whose id is negative or not below numSegments are left out.
 */
export const unsortedSegmentSum = wasmKernel<Tensors<'x' | 'segmentIds'>, { numSegments: number }>(
  'UnsortedSegmentSum',
  ({ x, segmentIds }, { numSegments }, wasm) => {
    if (segmentIds.dtype !== 'int32')
      throw new TypeError(`UnsortedSegmentSum: segmentIds must be int32, got ${segmentIds.dtype}; tf.cast it first`);
    const inner = x.shape.slice(segmentIds.shape.length);
    const width = tf.util.sizeFromShape(inner);
    addresses(wasm, [x, segmentIds]);
    const out = wasm.makeOutput([numSegments, ...inner], x.dtype);
    const ids = wasm.typedArrayFromHeap(segmentIds);
    const rows = wasm.typedArrayFromHeap(x);
    const sums = wasm.typedArrayFromHeap(out).fill(0);
    for (let i = 0; i < ids.length; i++) {
      const segment = ids[i];
      if (segment < 0 || segment >= numSegments) continue;
      for (let c = 0; c < width; c++) sums[segment * width + c] += rows[i * width + c];
    }
    return out;
  },
);
