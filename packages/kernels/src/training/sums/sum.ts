import * as tf from '@tensorflow/tfjs-core';
import { type KernelWrapper, type Tensors, wasmWrapper } from '../../backends/kernel';
import { simdModule } from '../../backends/simd-module';
import { addresses, floats } from '../../backends/wasm-backend';

/**
 * Sums and means of float32 tensors over neighbouring axes on wasm, where tfjs-backend-wasm transposes the tensor first,
 * adds one value at a time and leaves the sum over no element undefined (it is 0, and the mean NaN).
 */
export const sum = reduction('Sum', () => 1);
export const mean = reduction('Mean', (count) => 1 / count);

function reduction(kernelName: string, scaleOf: (count: number) => number): KernelWrapper {
  return wasmWrapper<Tensors<'x'>, Reduction>(kernelName, ({ x }, { axis, keepDims }, wasm, stock) => {
    const simd = simdModule(wasm);
    const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
    const size = tf.util.sizeFromShape(x.shape);
    const neighbours = axes.length > 0 && axes.every((a, i) => a === axes[0] + i);
    if (x.dtype !== 'float32' || (size > 0 && !(simd && neighbours))) return stock();
    const [outShape, reduced] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
    const count = tf.util.sizeFromShape(reduced);
    const from = wasm.getMemoryOffset(x.dataId);
    const shape = keepDims ? tf.backend_util.expandShapeToKeepDim(outShape, axes) : outShape;
    const out = wasm.makeOutput(shape, 'float32');
    if (size === 0) {
      floats(wasm, out).fill(kernelName === 'Mean' && count === 0 ? Number.NaN : 0);
      return out;
    }
    const outer = tf.util.sizeFromShape(x.shape.slice(0, axes[0]));
    const columns = size / outer / count;
    const totals = wasm.makeOutput([2 * columns], 'float32');
    simd!.sum(from, ...addresses(wasm, [out, totals] as const), outer, count, columns, scaleOf(count));
    wasm.disposeData(totals.dataId);
    return out;
  });
}

interface Reduction {
  readonly axis: number | number[];
  readonly keepDims: boolean;
}
