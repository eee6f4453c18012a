import * as tf from '@tensorflow/tfjs-core';
import { floats, runOnWasm, type WasmBackend } from './wasm-backend';

type ConvInfo = tf.backend_util.Conv2DInfo;

/**
 * Gradient of a 2-D convolution with respect to its input, on wasm, as a convolution: dy, with stride − 1 zeros between
 * its pixels, convolved with the kernel turned by 180° and its channel axes exchanged.
 */
export const conv2DBackpropInput: tf.KernelConfig = {
  kernelName: 'Conv2DBackpropInput',
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
    const { inputShape } = attrs as unknown as { inputShape: Shape4 };
    const wasm = backend as WasmBackend;
    const info = convInfo('Conv2DBackpropInput', inputShape, filter.shape as Shape4, dy.shape, attrs);
    const { strideHeight, strideWidth, dilationHeight, dilationWidth, padInfo } = info;
    const reach = [(info.filterHeight - 1) * dilationHeight, (info.filterWidth - 1) * dilationWidth] as const;
    // Row h of the input meets rows h - reach + pad … h + pad of the spread dy: that many zero rows lie around it.
    const before = [reach[0] - padInfo.top, reach[1] - padInfo.left] as const;
    const spread = spreadPixels(wasm, dy, info, [strideHeight, strideWidth], before, [
      info.inHeight + reach[0],
      info.inWidth + reach[1],
    ]);
    const turned = turnFilter(wasm, filter);
    const dx = runOnWasm('Conv2D', { x: spread, filter: turned }, wasm, {
      strides: [1, 1],
      pad: 'valid',
      dataFormat: 'NHWC',
      dilations: [dilationHeight, dilationWidth],
    });
    wasm.disposeData(spread.dataId);
    wasm.disposeData(turned.dataId);
    return dx;
  },
};

/**
 * Gradient of a 2-D convolution with respect to its filter, on wasm, as a convolution in which the batch axis plays the
 * channels: x as [Cin, H, W, N], dy as a filter [H', W', N, Cout], stride and dilation exchanged.
 */
export const conv2DBackpropFilter: tf.KernelConfig = {
  kernelName: 'Conv2DBackpropFilter',
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
    const { filterShape } = attrs as unknown as { filterShape: Shape4 };
    const wasm = backend as WasmBackend;
    const info = convInfo('Conv2DBackpropFilter', x.shape as Shape4, filterShape, dy.shape, attrs);
    const height = (info.outHeight - 1) * info.strideHeight + (info.filterHeight - 1) * info.dilationHeight + 1;
    const width = (info.outWidth - 1) * info.strideWidth + (info.filterWidth - 1) * info.dilationWidth + 1;
    const padded = spreadPixels(wasm, x, info, [1, 1], [info.padInfo.top, info.padInfo.left], [height, width]);
    const swappedX = transpose(wasm, padded, [3, 1, 2, 0]);
    wasm.disposeData(padded.dataId);
    const swappedDy = transpose(wasm, dy, [1, 2, 0, 3]);
    const gradient = runOnWasm('Conv2D', { x: swappedX, filter: swappedDy }, wasm, {
      strides: [info.dilationHeight, info.dilationWidth],
      pad: 'valid',
      dataFormat: 'NHWC',
      dilations: [info.strideHeight, info.strideWidth],
    });
    wasm.disposeData(swappedX.dataId);
    wasm.disposeData(swappedDy.dataId);
    const output = transpose(wasm, gradient, [1, 2, 0, 3]);
    wasm.disposeData(gradient.dataId);
    return output;
  },
};

type Shape4 = [number, number, number, number];

/** The geometry of the forward convolution, checked against the gradient that came in. */
function convInfo(
  name: string,
  inputShape: Shape4,
  filterShape: Shape4,
  dyShape: readonly number[],
  attrs: tf.NamedAttrMap | undefined,
): ConvInfo {
  const { strides, pad, dataFormat, dimRoundingMode, dilations } = attrs as unknown as {
    strides: number | [number, number];
    pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
    dataFormat: 'NHWC' | 'NCHW';
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
    dilations?: number | [number, number];
  };
  if (dataFormat && dataFormat !== 'NHWC')
    throw new RangeError(
      `${name}: dataFormat must be 'NHWC' on wasm, got '${dataFormat}'; transpose to [N, H, W, C] first`,
    );
  const info = tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
  );
  if (info.outShape.some((size, axis) => size !== dyShape[axis]))
    throw new RangeError(
      `${name}: dy must have the shape of the convolution's output [${info.outShape}], got [${dyShape}]`,
    );
  return info;
}

/** Pixels of `x` moved `stride` apart into a zero image of size `to`, the first at `before` (which may be negative). */
function spreadPixels(
  wasm: WasmBackend,
  x: tf.TensorInfo,
  _info: ConvInfo,
  stride: readonly [number, number],
  before: readonly [number, number],
  to: readonly [number, number],
): tf.TensorInfo {
  const [batch, height, width, channels] = x.shape as Shape4;
  const output = wasm.makeOutput([batch, to[0], to[1], channels], 'float32');
  const source = floats(wasm, x);
  const target = floats(wasm, output).fill(0);
  const [strideHeight, strideWidth] = stride;
  for (let n = 0; n < batch; n++)
    for (let h = 0; h < height; h++) {
      const row = h * strideHeight + before[0];
      if (row < 0 || row >= to[0]) continue;
      const from = (n * height + h) * width * channels;
      const into = (n * to[0] + row) * to[1] * channels;
      if (strideWidth === 1) {
        const first = Math.max(0, -before[1]);
        const last = Math.min(width, to[1] - before[1]);
        if (last > first)
          target.set(
            source.subarray(from + first * channels, from + last * channels),
            into + (before[1] + first) * channels,
          );
      } else
        for (let w = 0; w < width; w++) {
          const column = w * strideWidth + before[1];
          if (column < 0 || column >= to[1]) continue;
          for (let c = 0; c < channels; c++) target[into + column * channels + c] = source[from + w * channels + c]!;
        }
    }
  return output;
}

/** A filter [h, w, in, out] turned by 180° with its channel axes exchanged: [h, w, out, in]. */
function turnFilter(wasm: WasmBackend, filter: tf.TensorInfo): tf.TensorInfo {
  const [height, width, inputs, outputs] = filter.shape as Shape4;
  const output = wasm.makeOutput([height, width, outputs, inputs], 'float32');
  const source = floats(wasm, filter);
  const target = floats(wasm, output);
  const area = height * width;
  for (let tap = 0; tap < area; tap++)
    for (let i = 0; i < inputs; i++)
      for (let o = 0; o < outputs; o++)
        target[((area - 1 - tap) * outputs + o) * inputs + i] = source[(tap * inputs + i) * outputs + o]!;
  return output;
}

function transpose(wasm: WasmBackend, x: tf.TensorInfo, perm: readonly number[]): tf.TensorInfo {
  const sizes = perm.map((axis) => x.shape[axis]!);
  const strides = tf.util.computeStrides(x.shape).concat(1);
  const [s0, s1, s2, s3] = perm.map((axis) => strides[axis]!) as Shape4;
  const [n0, n1, n2, n3] = sizes as Shape4;
  const output = wasm.makeOutput(sizes, 'float32');
  const source = floats(wasm, x);
  const target = floats(wasm, output);
  let k = 0;
  for (let a = 0; a < n0; a++)
    for (let b = 0; b < n1; b++)
      for (let c = 0; c < n2; c++) {
        const base = a * s0 + b * s1 + c * s2;
        for (let d = 0; d < n3; d++) target[k++] = source[base + d * s3]!;
      }
  return output;
}
