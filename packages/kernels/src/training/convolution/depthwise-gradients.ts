import type * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmKernel } from '../../backends/kernel';
import { simdModule } from '../../backends/simd-module';
import { addresses, floats, requireFloat32, runOnWasm, type WasmBackend, zeros } from '../../backends/wasm-backend';
import { type ConvAttributes, convGeometry, type Shape4 } from './conv-geometry';
import { convolvePart, inputGradient, type Taps } from './input-gradient';

/** Gradient of a depthwise convolution with respect to its input, on wasm: `inputGradient`. */
export const depthwiseBackpropInput = wasmKernel<Tensors<'dy' | 'filter'>, ConvAttributes & { inputShape: number[] }>(
  'DepthwiseConv2dNativeBackpropInput',
  ({ dy, filter }, attributes, wasm) => {
    requireFloat32('DepthwiseConv2dNativeBackpropInput', { dy, filter });
    const { inputShape } = attributes;
    const info = convGeometry('DepthwiseConv2dNativeBackpropInput', inputShape, filter.shape, dy, attributes, true);
    if (dy.shape.includes(0) || filter.shape.includes(0)) return zeros(wasm, inputShape);
    const { outChannels, inChannels } = info;
    const each = inputGradient(wasm, info, outChannels, (taps, row, column) =>
      convolvePart(wasm, 'DepthwiseConv2dNative', dy, reversed(wasm, filter, taps), row, column, info),
    );
    if (outChannels === inChannels) return each;
    // Several outputs read the same input channel: their gradients add up.
    const grouped = { ...each, shape: [...inputShape, outChannels / inChannels] };
    const dx = runOnWasm(wasm, 'Sum', { x: grouped }, { axis: [4], keepDims: false });
    wasm.disposeData(each.dataId);
    return dx;
  },
);

/**
 * Gradient of a depthwise convolution with respect to its filter, on wasm:
 * dw[kh, kw, c, j] = Σ_{n, h, w} x[n, h · stride + kh · dilation − top, …, c] · dy[n, h, w, c · multiplier + j].
 */
export const depthwiseBackpropFilter = wasmKernel<Tensors<'x' | 'dy'>, ConvAttributes & { filterShape: number[] }>(
  'DepthwiseConv2dNativeBackpropFilter',
  ({ x, dy }, attributes, wasm) => {
    requireFloat32('DepthwiseConv2dNativeBackpropFilter', { x, dy });
    const { filterShape } = attributes;
    const info = convGeometry('DepthwiseConv2dNativeBackpropFilter', x.shape, filterShape, dy, attributes, true);
    if (dy.shape.includes(0) || x.shape.includes(0)) return zeros(wasm, filterShape);
    const multiplier = info.outChannels / info.inChannels;
    const image = multiplier === 1 ? x : repeatedChannels(wasm, x, multiplier);
    const dw = wasm.makeOutput(filterShape, 'float32');
    const geometry = [
      info.batchSize,
      info.inHeight,
      info.inWidth,
      info.outChannels,
      info.outHeight,
      info.outWidth,
      info.filterHeight,
      info.filterWidth,
      info.strideHeight,
      info.strideWidth,
      info.dilationHeight,
      info.dilationWidth,
      info.padInfo.top,
      info.padInfo.left,
    ] as const;
    const simd = simdModule(wasm);
    if (simd) {
      simd.depthwiseFilterGradient(...addresses(wasm, [image, dy, dw] as const), ...geometry);
    } else filterGradient(floats(wasm, image), floats(wasm, dy), floats(wasm, dw), info);
    if (image !== x) wasm.disposeData(image.dataId);
    return dw;
  },
);

function filterGradient(x: Float32Array, dy: Float32Array, dw: Float32Array, info: tf.backend_util.Conv2DInfo): void {
  const { batchSize, inHeight, inWidth, outHeight, outWidth, outChannels: channels } = info;
  const sums = new Float64Array(dw.length);
  for (let n = 0; n < batchSize; n++)
    for (let h = 0; h < outHeight; h++)
      for (let w = 0; w < outWidth; w++) {
        const from = ((n * outHeight + h) * outWidth + w) * channels;
        for (let kh = 0; kh < info.filterHeight; kh++) {
          const row = h * info.strideHeight + kh * info.dilationHeight - info.padInfo.top;
          if (row < 0 || row >= inHeight) continue;
          for (let kw = 0; kw < info.filterWidth; kw++) {
            const column = w * info.strideWidth + kw * info.dilationWidth - info.padInfo.left;
            if (column < 0 || column >= inWidth) continue;
            const at = ((n * inHeight + row) * inWidth + column) * channels;
            const tap = (kh * info.filterWidth + kw) * channels;
            for (let c = 0; c < channels; c++) sums[tap + c] += x[at + c] * dy[from + c];
          }
        }
      }
  dw.set(sums);
}

/** [N, H, W, C] to [N, H, W, C · times]: every channel `times` times. */
function repeatedChannels(wasm: WasmBackend, x: tf.TensorInfo, times: number): tf.TensorInfo {
  const [batch, height, width, channels] = x.shape as Shape4;
  const output = wasm.makeOutput([batch, height, width, channels * times], 'float32');
  const source = floats(wasm, x);
  const target = floats(wasm, output);
  for (let i = 0, at = 0; i < source.length; i++) for (let k = 0; k < times; k++) target[at++] = source[i];
  return output;
}

/** Some taps of a filter [h, w, C, multiplier] turned by 180°, as a filter [h', w', C · multiplier, 1]. */
function reversed(wasm: WasmBackend, filter: tf.TensorInfo, { first, step, count }: Taps): tf.TensorInfo {
  const [, width, inputs, multiplier] = filter.shape as Shape4;
  const channels = inputs * multiplier;
  const output = wasm.makeOutput([count[0], count[1], channels, 1], 'float32');
  const source = floats(wasm, filter);
  const target = floats(wasm, output);
  let at = 0;
  for (let h = count[0] - 1; h >= 0; h--)
    for (let w = count[1] - 1; w >= 0; w--) {
      const tap = ((first[0] + h * step[0]) * width + first[1] + w * step[1]) * channels;
      target.set(source.subarray(tap, tap + channels), at);
      at += channels;
    }
  return output;
}
