import type * as tf from '@tensorflow/tfjs-core';
import { simdModule } from '../../backends/simd-module';
import { addresses, type WasmBackend, zeros } from '../../backends/wasm-backend';
import { clamps } from '../elementwise/clamps';
import type { Shape4 } from './conv-geometry';

/** Where the windows of a convolution lie: rows and columns of the filter, and of zeros before the image. */
export interface Windows {
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly top: number;
  readonly left: number;
}

/**
 * The convolution of x [N, H, W, in] by the SIMD module, which must be there: min(max(x ∗ filter + bias, low), high) with
 * the filter in panels [out / 8, h, w, in, 8] that end with zeros. Disposes of the panels.
 */
export function simdConvolution(
  wasm: WasmBackend,
  x: tf.TensorInfo,
  panels: tf.TensorInfo,
  windows: Windows,
  bias?: tf.TensorInfo,
  [low, high] = clamps.linear!,
): tf.TensorInfo {
  const [batch, inHeight, inWidth, inChannels] = x.shape as Shape4;
  const { outHeight, outWidth, outChannels, filterHeight, filterWidth, strideHeight, strideWidth } = windows;
  const { dilationHeight, dilationWidth, top, left } = windows;
  const nothing = zeros(wasm, [Math.max(inChannels, outChannels)]);
  const given = [x, panels, bias ?? nothing, nothing] as const;
  const [xAt, panelsAt, biasAt, zerosAt] = addresses(wasm, given);
  const out = wasm.makeOutput([batch, outHeight, outWidth, outChannels], 'float32');
  // Images and rows don't matter where every window is a pixel of its own.
  const pointwise = isPointwise(x.shape, windows);
  const pixels = batch * inHeight * inWidth;
  simdModule(wasm)!.convolution(
    xAt,
    panelsAt,
    biasAt,
    wasm.getMemoryOffset(out.dataId),
    zerosAt,
    pointwise ? 1 : batch,
    pointwise ? 1 : inHeight,
    pointwise ? pixels : inWidth,
    inChannels,
    pointwise ? 1 : outHeight,
    pointwise ? pixels : outWidth,
    outChannels,
    filterHeight,
    filterWidth,
    strideHeight,
    strideWidth,
    dilationHeight,
    dilationWidth,
    top,
    left,
    low,
    high,
  );
  for (const { dataId } of [panels, nothing]) wasm.disposeData(dataId);
  return out;
}

/** Whether every window is one pixel, and every pixel a window. */
export function isPointwise([, inHeight, inWidth]: readonly number[], windows: Windows): boolean {
  const { outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth, top, left } = windows;
  return (
    filterHeight * filterWidth * strideHeight * strideWidth === 1 &&
    top === 0 &&
    left === 0 &&
    inHeight === outHeight &&
    inWidth === outWidth
  );
}
