import * as tf from '@tensorflow/tfjs-core';
import type { ConvAttributes, Shape4 } from './conv-geometry';
import type { KernelWrapper } from './kernel-wrapper';

/**
 * Convolutions with padding 'same' on wasm whose stride jumps over the last rows or columns, as a 2 × 2 filter with
 * stride 3 over 9 × 9 pixels does. No padding is needed there, but tfjs-backend-wasm arrives at a negative one.
 */
export const samePadding: readonly KernelWrapper[] = [
  withoutNegativePadding('Conv2D', false),
  withoutNegativePadding('FusedConv2D', false),
  withoutNegativePadding('DepthwiseConv2dNative', true),
  withoutNegativePadding('FusedDepthwiseConv2D', true),
];

function withoutNegativePadding(kernelName: string, depthwise: boolean): KernelWrapper {
  return {
    kernelName,
    backendName: 'wasm',
    wrap: (stock) => (args) => {
      const { x, filter } = args.inputs as { x: tf.TensorInfo; filter: tf.TensorInfo };
      const attributes = args.attrs as unknown as ConvAttributes;
      const { strides, dilations, pad, dimRoundingMode } = attributes;
      if (pad !== 'same') return stock(args);
      const shapes = [x.shape as Shape4, filter.shape as Shape4] as const;
      const info = tf.backend_util.computeConv2DInfo(
        ...shapes,
        strides,
        dilations ?? 1,
        pad,
        dimRoundingMode,
        depthwise,
      );
      const short =
        (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight < info.inHeight ||
        (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth < info.inWidth;
      if (!short) return stock(args);
      const { top, bottom, left, right } = info.padInfo;
      const explicit = [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ]; // prettier-ignore
      return stock({ ...args, attrs: { ...args.attrs, pad: explicit } });
    },
  };
}
