import * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmKernel } from '../../backends/kernel';
import { simdModule } from '../../backends/simd-module';
import { addresses, floats, requireFloat32, runOnWasm, type WasmBackend, zeros } from '../../backends/wasm-backend';
import { type ConvAttributes, convGeometry, type Shape4 } from './conv-geometry';
import { convolvePart, inputGradient, type Phase, type Taps } from './input-gradient';
import { placePixels } from './place-pixels';
import { simdConvolution } from './simd-convolution';

/** Gradient of a 2-D convolution with respect to its input, on wasm: `inputGradient`. */
export const conv2DBackpropInput = wasmKernel<Tensors<'dy' | 'filter'>, ConvAttributes & { inputShape: number[] }>(
  'Conv2DBackpropInput',
  ({ dy, filter }, attributes, wasm) => {
    requireFloat32('Conv2DBackpropInput', { dy, filter });
    const info = convGeometry('Conv2DBackpropInput', attributes.inputShape, filter.shape, dy, attributes);
    if (isEmpty(dy) || isEmpty(filter)) return zeros(wasm, attributes.inputShape);
    return inputGradient(wasm, info, info.inChannels, (taps, row, column) =>
      simdModule(wasm)
        ? correlated(wasm, dy, filter, taps, row, column, info)
        : convolvePart(wasm, 'Conv2D', dy, reversed(wasm, filter, taps), row, column, info),
    );
  },
);

/**
 * Gradient of a 2-D convolution with respect to its filter, on wasm:
 * dw[kh, kw, i, o] = Σ_{n, h, w} x[n, h · stride + kh · dilation − top, …, i] · dy[n, h, w, o].
 */
export const conv2DBackpropFilter = wasmKernel<Tensors<'x' | 'dy'>, ConvAttributes & { filterShape: number[] }>(
  'Conv2DBackpropFilter',
  ({ x, dy }, attributes, wasm) => {
    requireFloat32('Conv2DBackpropFilter', { x, dy });
    const info = convGeometry('Conv2DBackpropFilter', x.shape, attributes.filterShape, dy, attributes);
    if (isEmpty(dy) || isEmpty(x)) return zeros(wasm, attributes.filterShape);
    return simdModule(wasm) ? summedOuterProducts(wasm, x, dy, info) : filterGradientAsConvolution(wasm, x, dy, info);
  },
);

const isEmpty = (tensor: tf.TensorInfo): boolean => tensor.shape.includes(0);

/** One part of the input gradient by the SIMD module. */
function correlated(
  wasm: WasmBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  taps: Taps,
  row: Phase,
  column: Phase,
  info: tf.backend_util.Conv2DInfo,
): tf.TensorInfo {
  return simdConvolution(wasm, dy, reversedPanels(wasm, filter, taps), {
    outHeight: row.extent,
    outWidth: column.extent,
    outChannels: info.inChannels,
    filterHeight: row.taps,
    filterWidth: column.taps,
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: info.dilationHeight,
    dilationWidth: info.dilationWidth,
    top: row.before,
    left: column.before,
  });
}

/** Some taps of a filter [h, w, in, out] turned by 180°, in panels [in / 8, h', w', out, 8] that end with zeros. */
function reversedPanels(wasm: WasmBackend, filter: tf.TensorInfo, { first, step, count }: Taps): tf.TensorInfo {
  const [, width, inputs, outputs] = filter.shape as Shape4;
  const [filterAt] = addresses(wasm, [filter] as const);
  const panels = wasm.makeOutput([Math.ceil(inputs / 8), count[0], count[1], outputs, 8], 'float32');
  const bytes = 32 * outputs;
  let to = wasm.getMemoryOffset(panels.dataId);
  for (let h = count[0] - 1; h >= 0; h--)
    for (let w = count[1] - 1; w >= 0; w--) {
      const tap = (first[0] + h * step[0]) * width + first[1] + w * step[1];
      const from = filterAt + 4 * tap * inputs * outputs;
      simdModule(wasm)!.pack(from, to, outputs, inputs, 4, 4 * outputs, count[0] * count[1] * bytes);
      to += bytes;
    }
  return panels;
}

/**
 * By the SIMD module, which multiplies `run` neighbouring values of x with every dy. The run is the input channels; few
 * channels would leave its registers half empty, so then the filter's columns join in, over an image that was padded.
 */
function summedOuterProducts(
  wasm: WasmBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  info: tf.backend_util.Conv2DInfo,
): tf.TensorInfo {
  const { inChannels, filterWidth, dilationWidth } = info;
  const dw = wasm.makeOutput(info.filterShape, 'float32');
  const joined = inChannels % 4 !== 0 && inChannels < 16 && filterWidth > 1 && dilationWidth === 1;
  const image = joined ? padded(wasm, x, info) : x;
  const [, height, width] = image.shape as Shape4;
  simdModule(wasm)!.filterGradient(
    wasm.getMemoryOffset(image.dataId),
    wasm.getMemoryOffset(dy.dataId),
    wasm.getMemoryOffset(dw.dataId),
    info.batchSize,
    height,
    width,
    inChannels,
    joined ? filterWidth * inChannels : inChannels,
    info.outHeight,
    info.outWidth,
    info.outChannels,
    info.filterHeight,
    joined ? 1 : filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    dilationWidth,
    joined ? 0 : info.padInfo.top,
    joined ? 0 : info.padInfo.left,
  );
  if (joined) wasm.disposeData(image.dataId);
  return dw;
}

/**
 * As a convolution in which the batch axis plays the channels: x as [Cin, H, W, N], dy as a filter [H', W', N, Cout],
 * stride and dilation exchanged.
 */
function filterGradientAsConvolution(
  wasm: WasmBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  info: tf.backend_util.Conv2DInfo,
): tf.TensorInfo {
  const image = padded(wasm, x, info);
  const swappedX = transposed(wasm, image, [3, 1, 2, 0]);
  wasm.disposeData(image.dataId);
  const swappedDy = transposed(wasm, dy, [1, 2, 0, 3]);
  const gradient = runOnWasm(
    wasm,
    'Conv2D',
    { x: swappedX, filter: swappedDy },
    {
      strides: [info.dilationHeight, info.dilationWidth],
      dilations: [info.strideHeight, info.strideWidth],
      pad: 'valid',
      dataFormat: 'NHWC',
    },
  );
  wasm.disposeData(swappedX.dataId);
  wasm.disposeData(swappedDy.dataId);
  const dw = transposed(wasm, gradient, [1, 2, 0, 3]);
  wasm.disposeData(gradient.dataId);
  return dw;
}

/** The part of x that the convolution sees, with the zeros around it that it adds. */
function padded(wasm: WasmBackend, x: tf.TensorInfo, info: tf.backend_util.Conv2DInfo): tf.TensorInfo {
  const height = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight;
  const width = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth;
  const image = zeros(wasm, [info.batchSize, height, width, info.inChannels]);
  placePixels(wasm, x, image, [info.padInfo.top, info.padInfo.left], [1, 1]);
  return image;
}

/** Some taps of a filter [h, w, in, out], turned by 180° and with the channel axes exchanged: [h', w', out, in]. */
function reversed(wasm: WasmBackend, filter: tf.TensorInfo, { first, step, count }: Taps): tf.TensorInfo {
  const [, width, inputs, outputs] = filter.shape as Shape4;
  const output = wasm.makeOutput([count[0], count[1], outputs, inputs], 'float32');
  const source = floats(wasm, filter);
  const target = floats(wasm, output);
  let at = 0;
  for (let h = count[0] - 1; h >= 0; h--)
    for (let w = count[1] - 1; w >= 0; w--) {
      const tap = (first[0] + h * step[0]) * width + first[1] + w * step[1];
      const base = tap * inputs * outputs;
      for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) target[at++] = source[base + i * outputs + o];
    }
  return output;
}

function transposed(wasm: WasmBackend, x: tf.TensorInfo, permutation: readonly number[]): tf.TensorInfo {
  const strides = [...tf.util.computeStrides(x.shape), 1];
  const [a1, b1, c1, d1] = permutation.map((axis) => x.shape[axis]) as Shape4;
  const [aStep, bStep, cStep, dStep] = permutation.map((axis) => strides[axis]) as Shape4;
  const output = wasm.makeOutput([a1, b1, c1, d1], 'float32');
  const source = floats(wasm, x);
  const target = floats(wasm, output);
  let at = 0;
  for (let a = 0; a < a1; a++)
    for (let b = 0; b < b1; b++)
      for (let c = 0; c < c1; c++) {
        const base = a * aStep + b * bStep + c * cStep;
        for (let d = 0; d < d1; d++) target[at++] = source[base + d * dStep];
      }
  return output;
}
