import type * as tf from '@tensorflow/tfjs-core';
import { placePixels } from './place-pixels';
import { runOnWasm, type WasmBackend, zeros } from './wasm-backend';

/** Which taps of a filter: every `step`-th row from `first[0]` on and column from `first[1]` on. */
export interface Taps {
  readonly first: readonly [number, number];
  readonly step: readonly [number, number];
  readonly count: readonly [number, number];
}

/**
 * Gradient of a convolution with respect to its input, as convolutions. Input row h meets tap k where
 * h + top − k is a multiple of the stride; so the rows with (h + top) mod stride = φ see only the taps φ, φ + stride, …,
 * and their gradient is a convolution of stride 1 of dy with these taps in reverse. There are stride² such parts.
 * @param reversed makes the filter of some taps, turned by 180° and with input and output channels exchanged
 */
export function inputGradient(
  wasm: WasmBackend,
  kernelName: 'Conv2D' | 'DepthwiseConv2dNative',
  dy: tf.TensorInfo,
  info: tf.backend_util.Conv2DInfo,
  channels: number,
  reversed: (taps: Taps) => tf.TensorInfo,
): tf.TensorInfo {
  const shape = [info.batchSize, info.inHeight, info.inWidth, channels];
  const rows = phases(
    info.inHeight,
    info.outHeight,
    info.filterHeight,
    info.strideHeight,
    info.dilationHeight,
    info.padInfo.top,
  );
  const columns = phases(
    info.inWidth,
    info.outWidth,
    info.filterWidth,
    info.strideWidth,
    info.dilationWidth,
    info.padInfo.left,
  );
  const step = [info.strideHeight, info.strideWidth] as const;
  const whole = step[0] === 1 && step[1] === 1;
  const dx = whole ? undefined : zeros(wasm, shape);
  for (const row of rows)
    for (const column of columns) {
      const filter = reversed({ first: [row.phase, column.phase], step, count: [row.taps, column.taps] });
      const part = convolve(wasm, kernelName, dy, filter, [row, column], [info.dilationHeight, info.dilationWidth]);
      wasm.disposeData(filter.dataId);
      if (!dx) return part;
      placePixels(wasm, part, dx, [row.start, column.start], step);
      wasm.disposeData(part.dataId);
    }
  return dx ?? zeros(wasm, shape);
}

interface Phase {
  readonly phase: number;
  readonly taps: number;
  /** The first input position of this phase. */
  readonly start: number;
  /** Zeros (or, where negative, positions to leave out) before and after dy. */
  readonly before: number;
  readonly after: number;
}

function phases(input: number, output: number, filter: number, stride: number, dilation: number, pad: number): Phase[] {
  const found: Phase[] = [];
  for (let phase = 0; phase < Math.min(stride, filter); phase++) {
    const taps = Math.ceil((filter - phase) / stride);
    const first = Math.ceil((pad - phase) / stride);
    const start = first * stride + phase - pad;
    if (start >= input) continue;
    const reach = (taps - 1) * dilation;
    const before = reach - first;
    found.push({ phase, taps, start, before, after: Math.ceil((input - start) / stride) + reach - before - output });
  }
  return found;
}

function convolve(
  wasm: WasmBackend,
  kernelName: string,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  [row, column]: readonly [Phase, Phase],
  dilations: [number, number],
): tf.TensorInfo {
  const attributes = { strides: [1, 1], dilations, dataFormat: 'NHWC' };
  const around = [
    [0, 0],
    [row.before, row.after],
    [column.before, column.after],
    [0, 0],
  ];
  if (Math.min(...around.flat()) >= 0)
    return runOnWasm(wasm, kernelName, { x: dy, filter }, { ...attributes, pad: around });
  const [batch, height, width, channels] = dy.shape as [number, number, number, number];
  const window = zeros(wasm, [batch, row.before + height + row.after, column.before + width + column.after, channels]);
  placePixels(wasm, dy, window, [row.before, column.before], [1, 1]);
  const part = runOnWasm(wasm, kernelName, { x: window, filter }, { ...attributes, pad: 'valid' });
  wasm.disposeData(window.dataId);
  return part;
}
