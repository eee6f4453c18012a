import type * as tf from '@tensorflow/tfjs-core';
import { runOnWasm, type WasmBackend, zeros } from '../../backends/wasm-backend';
import { placePixels } from './place-pixels';

/** Which taps of a filter: every `step`-th row from `first[0]` on and column from `first[1]` on. */
export interface Taps {
  readonly first: readonly [number, number];
  readonly step: readonly [number, number];
  readonly count: readonly [number, number];
}

/** Along one axis, the positions of the input that see the same taps. */
export interface Phase {
  readonly taps: number;
  readonly firstTap: number;
  /** The first of these positions, and how many there are, a stride apart. */
  readonly start: number;
  readonly extent: number;
  /** Zeros (or, where negative, positions to leave out) before and after dy. */
  readonly before: number;
  readonly after: number;
}

/**
 * Gradient of a convolution with respect to its input, as convolutions. Input row h meets tap k where
 * h + top − k is a multiple of the stride; so the rows with (h + top) mod stride = φ see only the taps φ, φ + stride, …,
 * and their gradient is a convolution of stride 1 of dy with these taps in reverse. There are stride² such parts.
 * @param convolve convolves dy with some taps, turned by 180° and with input and output channels exchanged
 */
export function inputGradient(
  wasm: WasmBackend,
  info: tf.backend_util.Conv2DInfo,
  channels: number,
  convolve: (taps: Taps, row: Phase, column: Phase) => tf.TensorInfo,
): tf.TensorInfo {
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padInfo } = info;
  const shape = [info.batchSize, info.inHeight, info.inWidth, channels];
  const rows = phases(info.inHeight, info.outHeight, info.filterHeight, strideHeight, dilationHeight, padInfo.top);
  const columns = phases(info.inWidth, info.outWidth, info.filterWidth, strideWidth, dilationWidth, padInfo.left);
  const step = [strideHeight, strideWidth] as const;
  const dx = strideHeight === 1 && strideWidth === 1 ? undefined : zeros(wasm, shape);
  for (const row of rows)
    for (const column of columns) {
      const taps = { first: [row.firstTap, column.firstTap], step, count: [row.taps, column.taps] } as const;
      const part = convolve(taps, row, column);
      if (!dx) return part;
      placePixels(wasm, part, dx, [row.start, column.start], step);
      wasm.disposeData(part.dataId);
    }
  return dx ?? zeros(wasm, shape);
}

function phases(input: number, output: number, filter: number, stride: number, dilation: number, pad: number): Phase[] {
  const found: Phase[] = [];
  for (let firstTap = 0; firstTap < Math.min(stride, filter); firstTap++) {
    const taps = Math.ceil((filter - firstTap) / stride);
    const first = Math.ceil((pad - firstTap) / stride);
    const start = first * stride + firstTap - pad;
    if (start >= input) continue;
    const extent = Math.ceil((input - start) / stride);
    const reach = (taps - 1) * dilation;
    const before = reach - first;
    found.push({ taps, firstTap, start, extent, before, after: extent + reach - before - output });
  }
  return found;
}

/** One part of the gradient by a convolution kernel of tfjs-backend-wasm; disposes of the filter. */
export function convolvePart(
  wasm: WasmBackend,
  kernelName: 'Conv2D' | 'DepthwiseConv2dNative',
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  row: Phase,
  column: Phase,
  { dilationHeight, dilationWidth }: tf.backend_util.Conv2DInfo,
): tf.TensorInfo {
  const attributes = { strides: [1, 1], dilations: [dilationHeight, dilationWidth], dataFormat: 'NHWC' };
  const run = (x: tf.TensorInfo, pad: 'valid' | number[][]) =>
    runOnWasm(wasm, kernelName, { x, filter }, { ...attributes, pad });
  const around = [
    [0, 0],
    [row.before, row.after],
    [column.before, column.after],
    [0, 0],
  ];
  let part: tf.TensorInfo;
  if (Math.min(...around.flat()) >= 0) part = run(dy, around);
  else {
    const [batch, height, width, channels] = dy.shape as [number, number, number, number];
    const window = zeros(wasm, [
      batch,
      row.before + height + row.after,
      column.before + width + column.after,
      channels,
    ]);
    placePixels(wasm, dy, window, [row.before, column.before], [1, 1]);
    part = run(window, 'valid');
    wasm.disposeData(window.dataId);
  }
  wasm.disposeData(filter.dataId);
  return part;
}
