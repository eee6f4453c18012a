import * as tf from '@tensorflow/tfjs-core';
import { gradientOf } from '../../backends/gradient';
import { type Tensors, wasmKernel } from '../../backends/kernel';
import { runKernel } from '../../backends/run-kernel';
import { addresses, floats, requireFloat32, zeros } from '../../backends/wasm-backend';

interface Conv3DAttributes {
  readonly strides: [number, number, number] | number;
  readonly pad: 'valid' | 'same';
}
type Shape5 = [number, number, number, number, number];

/**
 * Gradient of a 3-D convolution with respect to its input, on wasm:
 * dx[n, d · stride + kd − front, …, i] = Σ_{kd, kh, kw, o} dy[n, d, h, w, o] · filter[kd, kh, kw, i, o].
 * Takes the place of tfjs-backend-wasm's kernel, which gives wrong values.
 */
export const conv3DBackpropInput = wasmKernel<Tensors<'dy' | 'filter'>, Conv3DAttributes & { inputShape: Shape5 }>(
  'Conv3DBackpropInputV2',
  ({ dy, filter }, { inputShape, ...attributes }, wasm) => {
    requireFloat32('Conv3DBackpropInputV2', { dy, filter });
    const info = geometry('Conv3DBackpropInputV2', inputShape, filter.shape, dy, attributes);
    addresses(wasm, [dy, filter]);
    const dx = zeros(wasm, inputShape);
    const [gradient, taps, target] = [floats(wasm, dy), floats(wasm, filter), floats(wasm, dx)];
    const { inChannels, outChannels } = info;
    forEveryTap(info, (input, output, tap) => {
      for (let i = 0, at = tap; i < inChannels; i++) {
        let sum = 0;
        for (let o = 0; o < outChannels; o++) sum += gradient[output + o] * taps[at++];
        target[input + i] += sum;
      }
    });
    return dx;
  },
);

/**
 * Gradient of a 3-D convolution with respect to its filter, on wasm:
 * dw[kd, kh, kw, i, o] = Σ_{n, d, h, w} x[n, d · stride + kd − front, …, i] · dy[n, d, h, w, o].
 * Takes the place of tfjs-backend-wasm's kernel, which gives wrong values where the stride is above 1.
 */
export const conv3DBackpropFilter = wasmKernel<Tensors<'x' | 'dy'>, Conv3DAttributes & { filterShape: Shape5 }>(
  'Conv3DBackpropFilterV2',
  ({ x, dy }, { filterShape, ...attributes }, wasm) => {
    requireFloat32('Conv3DBackpropFilterV2', { x, dy });
    const info = geometry('Conv3DBackpropFilterV2', x.shape, filterShape, dy, attributes);
    addresses(wasm, [x, dy]);
    const dw = wasm.makeOutput(filterShape, 'float32');
    const [values, gradient] = [floats(wasm, x), floats(wasm, dy)];
    const sums = new Float64Array(tf.util.sizeFromShape(filterShape));
    const { inChannels, outChannels } = info;
    forEveryTap(info, (input, output, tap) => {
      for (let i = 0, at = tap; i < inChannels; i++) {
        const value = values[input + i];
        for (let o = 0; o < outChannels; o++) sums[at++] += value * gradient[output + o];
      }
    });
    floats(wasm, dw).set(sums);
    return dw;
  },
);

/** The geometry of the convolution whose gradient kernel `name` computes, checked against the `dy` that came in. */
function geometry(
  name: string,
  inputShape: readonly number[],
  filterShape: readonly number[],
  dy: tf.TensorInfo,
  { strides, pad }: Conv3DAttributes,
): tf.backend_util.Conv3DInfo {
  const shapes = [inputShape as Shape5, filterShape as Shape5] as const;
  const info = tf.backend_util.computeConv3DInfo(...shapes, strides, 1, pad);
  if (info.outShape.some((size, axis) => size !== dy.shape[axis]))
    throw new RangeError(
      `${name}: dy must have the shape of the convolution's output, [${info.outShape}], got [${dy.shape}]`,
    );
  return info;
}

/** Calls `meet` with where an input pixel, an output pixel and the filter tap between them begin. */
function forEveryTap(info: tf.backend_util.Conv3DInfo, meet: (x: number, dy: number, tap: number) => void): void {
  const { inDepth, inHeight, inWidth, inChannels, outDepth, outHeight, outWidth, outChannels } = info;
  const { filterDepth, filterHeight, filterWidth, padInfo } = info;
  for (let n = 0, output = 0; n < info.batchSize; n++)
    for (let d = 0; d < outDepth; d++)
      for (let h = 0; h < outHeight; h++)
        for (let w = 0; w < outWidth; w++, output += outChannels)
          for (let kd = 0; kd < filterDepth; kd++) {
            const plane = d * info.strideDepth + kd - padInfo.front;
            if (plane < 0 || plane >= inDepth) continue;
            for (let kh = 0; kh < filterHeight; kh++) {
              const row = h * info.strideHeight + kh - padInfo.top;
              if (row < 0 || row >= inHeight) continue;
              for (let kw = 0; kw < filterWidth; kw++) {
                const column = w * info.strideWidth + kw - padInfo.left;
                if (column < 0 || column >= inWidth) continue;
                const input = (((n * inDepth + plane) * inHeight + row) * inWidth + column) * inChannels;
                meet(input, output, ((kd * filterHeight + kh) * filterWidth + kw) * inChannels * outChannels);
              }
            }
          }
}

/** The gradient of the input gradient, which tfjs lacks: what Conv3DTranspose needs to train, on every backend. */
export const conv3DBackpropInputGradient: tf.GradConfig = {
  kernelName: 'Conv3DBackpropInputV2',
  inputsToSave: ['dy', 'filter'],
  gradFunc: gradientOf<tf.Tensor5D, [tf.Tensor5D, tf.Tensor5D], Conv3DAttributes>(
    (ddx, [dy, filter], { strides, pad }) => ({
      dy: () => tf.conv3d(ddx, filter, strides, pad),
      filter: () => runKernel('Conv3DBackpropFilterV2', { x: ddx, dy }, { strides, pad, filterShape: filter.shape }),
    }),
  ),
};
