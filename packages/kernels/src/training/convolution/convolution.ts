import * as tf from '@tensorflow/tfjs-core';
import { type KernelWrapper, type Tensors, wasmWrapper } from '../../backends/kernel';
import { hasThreads, simdModule } from '../../backends/simd-module';
import { addresses, type WasmBackend } from '../../backends/wasm-backend';
import { clamps } from '../elementwise/clamps';
import type { ConvAttributes, Shape4 } from './conv-geometry';
import { withExplicitPadding } from './conv-padding';
import { isPointwise, simdConvolution, type Windows } from './simd-convolution';

type Inputs = Tensors<'x' | 'filter'> & Partial<Tensors<'bias'>>;
type Attributes = ConvAttributes & { readonly activation?: string };

/**
 * The forward convolution on wasm by the body that the input gradient has, with bias and clamping activation. It is left to
 * tfjs-backend-wasm where that has threads, where that is faster, and for other activations.
 */
export const convolutions: readonly KernelWrapper[] = ['Conv2D', 'FusedConv2D'].map((kernelName) =>
  wasmWrapper<Inputs, Attributes>(kernelName, (inputs, attributes, wasm, stock) => {
    const windows = windowsOfOurs(wasm, inputs, attributes);
    return windows
      ? convolution(wasm, inputs, windows, clamps[attributes.activation ?? 'linear'])
      : withExplicitPadding(inputs, attributes, wasm, stock, false);
  }),
);

/** The windows of a convolution that is ours, undefined where it is left to tfjs-backend-wasm. */
export function windowsOfOurs(wasm: WasmBackend, inputs: Inputs, attributes: Attributes): Windows | undefined {
  const { x, filter, bias } = inputs;
  const { dataFormat, activation = 'linear' } = attributes;
  const float32 = [x, filter, bias].every((tensor) => !tensor || tensor.dtype === 'float32');
  const biasFits = !bias || (bias.shape.length === 1 && bias.shape[0] === filter.shape[3]);
  if (!float32 || !biasFits || dataFormat === 'NCHW' || !(activation in clamps)) return undefined;
  if (hasThreads(wasm) || !simdModule(wasm)) return undefined;
  const windows = windowsOf(x.shape, filter.shape, attributes);
  return isFaster(x.shape, windows) ? windows : undefined;
}

/** min(max(x ∗ filter + bias, low), high) by the SIMD module, which must be there. */
export function convolution(
  wasm: WasmBackend,
  { x, filter, bias }: Inputs,
  windows: Windows,
  clamp = clamps.linear,
): tf.TensorInfo {
  const rows = windows.filterHeight * windows.filterWidth * filter.shape[2]!;
  const outputs = windows.outChannels;
  const [filterAt] = addresses(wasm, [filter] as const);
  const panels = wasm.makeOutput([Math.ceil(outputs / 8), rows, 8], 'float32');
  const panelsAt = wasm.getMemoryOffset(panels.dataId);
  simdModule(wasm)!.pack(filterAt, panelsAt, rows, outputs, 4 * outputs, 4, 32 * rows);
  return simdConvolution(wasm, x, panels, windows, bias, clamp);
}

/** The windows of a convolution with the attributes of tfjs. */
export function windowsOf(x: readonly number[], filter: readonly number[], attributes: ConvAttributes): Windows {
  const { strides, pad, dilations, dimRoundingMode } = attributes;
  const shapes = [x as Shape4, filter as Shape4] as const;
  const { padInfo, ...info } = tf.backend_util.computeConv2DInfo(
    ...shapes,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
  );
  return { ...info, top: padInfo.top, left: padInfo.left };
}

/**
 * Whether our body takes less time than tfjs-backend-wasm's, which packs a filter once for as long as it lives. By
 * measurement: a row of the filter must meet enough values to pay for finding them, the filter enough pixels to pay for its
 * panels, the whole must be worth two more tensors, and rows of pixels may not leave tiles of four much emptier than full.
 */
function isFaster(x: readonly number[], windows: Windows): boolean {
  const [batch, , , inChannels] = x as Shape4;
  const { outChannels, outHeight, outWidth, filterHeight, filterWidth } = windows;
  const run = filterWidth * inChannels;
  const pixels = batch * outHeight * outWidth;
  const places = 4 * Math.ceil(outWidth / 4);
  const full = isPointwise(x, windows) || outWidth >= 0.8 * places;
  return run >= 16 && pixels >= 64 && pixels * filterHeight * run * outChannels >= 1e6 && full;
}
