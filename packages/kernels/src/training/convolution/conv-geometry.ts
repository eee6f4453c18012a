import * as tf from '@tensorflow/tfjs-core';

export type Shape4 = [number, number, number, number];

/** The attributes that tfjs hands to the kernels of a 2-D convolution and of its gradients. */
export interface ConvAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  /** Null from some layers of tfjs-layers. */
  readonly dilations?: number | [number, number] | null;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The geometry of the convolution whose gradient kernel `name` computes, checked against the `dy` that came in. */
export function convGeometry(
  name: string,
  inputShape: readonly number[],
  filterShape: readonly number[],
  dy: tf.TensorInfo,
  attributes: ConvAttributes,
  depthwise = false,
): tf.backend_util.Conv2DInfo {
  const { strides, pad, dataFormat, dimRoundingMode, dilations } = attributes;
  if (dataFormat && dataFormat !== 'NHWC')
    throw new RangeError(`${name}: dataFormat must be 'NHWC' on wasm, got '${dataFormat}'; transpose to [N, H, W, C]`);
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as Shape4,
    filterShape as Shape4,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
  const { batchSize, outHeight, outWidth, outChannels } = info;
  const expected = [batchSize, outHeight, outWidth, outChannels];
  if (expected.length !== dy.shape.length || expected.some((size, axis) => size !== dy.shape[axis]))
    throw new RangeError(
      `${name}: dy must have the shape of the convolution's output, [${expected}], got [${dy.shape}]`,
    );
  return info;
}
