import * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmWrapper } from '../../backends/kernel';
import { addresses } from '../../backends/wasm-backend';

/** Rows picked by their index, on wasm, copied whole: how `fit` shuffles. tfjs-backend-wasm picks value by value. */
export const gather = wasmWrapper<Tensors<'x' | 'indices'>, { axis: number; batchDims: number }>(
  'GatherV2',
  ({ x, indices }, attributes, wasm, stock) => {
    const axis = tf.util.parseAxisParam(attributes.axis, x.shape)[0];
    if (x.dtype === 'string' || indices.dtype !== 'int32') return stock();
    const [values, at] = [x as tf.Tensor, indices as tf.Tensor];
    const { batchSize, outerSize, dimSize, sliceSize, outputShape } =
      tf.backend_util.segment_util.collectGatherOpShapeInfo(values, at, axis, attributes.batchDims);
    addresses(wasm, [x, indices]);
    for (const index of wasm.typedArrayFromHeap(indices))
      if (index < 0 || index >= dimSize)
        throw new RangeError(`gather: an index must be from 0 to ${dimSize - 1}, the axis's last, got ${index}`);
    const out = wasm.makeOutput(outputShape, x.dtype);
    const picked = wasm.typedArrayFromHeap(indices);
    const source = wasm.typedArrayFromHeap(x);
    const target = wasm.typedArrayFromHeap(out);
    const each = picked.length / batchSize;
    let to = 0;
    for (let batch = 0; batch < batchSize; batch++)
      for (let outer = 0; outer < outerSize; outer++)
        for (let i = 0; i < each; i++) {
          const from = ((batch * outerSize + outer) * dimSize + picked[batch * each + i]) * sliceSize;
          if (sliceSize < 16) for (let c = 0; c < sliceSize; c++) target[to + c] = source[from + c];
          else target.set(source.subarray(from, from + sliceSize), to);
          to += sliceSize;
        }
    return out;
  },
);
