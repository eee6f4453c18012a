import * as tf from '@tensorflow/tfjs-core';
import { type KernelWrapper, type Outputs, type Stock, type Tensors, wasmWrapper } from '../../backends/kernel';
import { type WasmBackend, zeros } from '../../backends/wasm-backend';
import type { ConvAttributes, Shape4 } from './conv-geometry';
import { placePixels } from './place-pixels';

/** Depthwise convolutions on wasm whose padding tfjs-backend-wasm takes for another than tfjs-core does. */
export const depthwisePadding: readonly KernelWrapper[] = ['DepthwiseConv2dNative', 'FusedDepthwiseConv2D'].map(
  (kernelName) =>
    wasmWrapper<Inputs, ConvAttributes>(kernelName, (inputs, attributes, wasm, stock) =>
      withExplicitPadding(inputs, attributes, wasm, stock, true),
    ),
);

type Inputs = Tensors<'x' | 'filter'>;

/**
 * tfjs-backend-wasm's kernel of a convolution with the padding of tfjs-core. With 'same', where the stride jumps over the
 * last rows and none is needed (a 2 × 2 filter with stride 3 over 9 × 9 pixels), the kernel arrives at a negative one. With a
 * number, tfjs-core reckons the width of the output with the height of the filter and its stride, and the kernel writes past
 * the end of it. Both get explicit padding here, or an image that is padded and cut.
 */
export function withExplicitPadding<Given extends Inputs, Attributes extends ConvAttributes>(
  inputs: Given,
  attributes: Attributes,
  wasm: WasmBackend,
  stock: Stock<Given, Attributes>,
  depthwise: boolean,
): Outputs {
  const { x, filter } = inputs;
  const { strides, dilations, pad, dimRoundingMode, dataFormat } = attributes;
  if (pad === 'valid' || Array.isArray(pad) || dataFormat === 'NCHW') return stock();
  const [batch, height, width, channels] = x.shape as Shape4;
  const shapes = [x.shape as Shape4, filter.shape as Shape4] as const;
  const info = tf.backend_util.computeConv2DInfo(...shapes, strides, dilations ?? 1, pad, dimRoundingMode, depthwise);
  const { top, left } = info.padInfo;
  // How far the last window reaches beyond the image.
  const bottom = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight - top - height;
  const right = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth - left - width;
  const fits = bottom >= 0 && right >= 0;
  if (pad === 'same' && fits) return stock();
  const run = (image: tf.TensorInfo, padding: ConvAttributes['pad']) =>
    stock({ ...inputs, x: image }, { ...attributes, pad: padding });
  if (fits)
    return run(x, [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
  const image = zeros(wasm, [batch, top + height + bottom, left + width + right, channels]);
  placePixels(wasm, x, image, [top, left], [1, 1]);
  const output = run(image, 'valid');
  wasm.disposeData(image.dataId);
  return output;
}
