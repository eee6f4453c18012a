import * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmKernel } from '../../backends/kernel';
import { simdModule } from '../../backends/simd-module';
import { addresses, floats, requireFloat32, zeros } from '../../backends/wasm-backend';
import type { Shape4 } from '../convolution/conv-geometry';

/**
 * Gradient of a 2-D max pooling on wasm: each dy goes to the first largest value of its window, row by row from the top
 * left; NaN is never the largest. Takes the place of tfjs-backend-wasm's kernel, which gives wrong values.
 */
export const maxPoolGrad = wasmKernel<Tensors<'dy' | 'input'>, PoolAttributes>(
  'MaxPoolGrad',
  ({ dy, input }, { filterSize, strides, pad, dimRoundingMode }, wasm) => {
    requireFloat32('MaxPoolGrad', { dy, input });
    const info = tf.backend_util.computePool2DInfo(input.shape as Shape4, filterSize, strides, 1, pad, dimRoundingMode);
    if (info.outShape.some((size, axis) => size !== dy.shape[axis]))
      throw new RangeError(
        `MaxPoolGrad: dy must have the shape of the pooled tensor, [${info.outShape}], got [${dy.shape}]`,
      );
    if (dy.shape.includes(0) || input.shape.includes(0)) return zeros(wasm, input.shape);
    const given = addresses(wasm, [input, dy] as const);
    const dx = wasm.makeOutput(input.shape, 'float32');
    const simd = simdModule(wasm);
    if (simd)
      simd.maxPoolGradient(
        ...given,
        wasm.getMemoryOffset(dx.dataId),
        info.batchSize,
        info.inHeight,
        info.inWidth,
        info.inChannels,
        info.outHeight,
        info.outWidth,
        info.effectiveFilterHeight,
        info.effectiveFilterWidth,
        info.strideHeight,
        info.strideWidth,
        info.padInfo.top,
        info.padInfo.left,
      );
    else scatter(floats(wasm, input), floats(wasm, dy), floats(wasm, dx).fill(0), info);
    return dx;
  },
);

interface PoolAttributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

function scatter(x: Float32Array, dy: Float32Array, dx: Float32Array, info: tf.backend_util.Conv2DInfo): void {
  const { batchSize, inHeight, inWidth, inChannels: channels, outHeight, outWidth } = info;
  for (let n = 0; n < batchSize; n++)
    for (let h = 0; h < outHeight; h++)
      for (let w = 0; w < outWidth; w++) {
        const top = h * info.strideHeight - info.padInfo.top;
        const left = w * info.strideWidth - info.padInfo.left;
        for (let c = 0; c < channels; c++) {
          let largest = Number.NEGATIVE_INFINITY;
          let winner = -1;
          for (let r = Math.max(0, top); r < Math.min(inHeight, top + info.effectiveFilterHeight); r++)
            for (let q = Math.max(0, left); q < Math.min(inWidth, left + info.effectiveFilterWidth); q++) {
              const at = ((n * inHeight + r) * inWidth + q) * channels + c;
              if (x[at] > largest) {
                largest = x[at];
                winner = at;
              }
            }
          if (winner >= 0) dx[winner] += dy[((n * outHeight + h) * outWidth + w) * channels + c];
        }
      }
}
