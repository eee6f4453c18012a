import * as tf from '@tensorflow/tfjs-core';

/**
 * The transpose of the linear map dy -> MaxPoolGrad(dy, input, output): at every output pixel, what `ddx` holds where
 * the first maximum of its window lies (row by row, as the kernel chooses among equals).
 */
export function maxPoolGradTransposed(
  ddx: tf.Tensor4D,
  input: tf.Tensor4D,
  output: tf.Tensor4D,
  attrs: tf.NamedAttrMap,
): tf.Tensor4D {
  const pool = geometry(input.shape, attrs);
  const values = tf.pad(input, pool.padding, Number.NEGATIVE_INFINITY);
  const tangents = tf.pad(ddx, pool.padding);
  let open: tf.Tensor4D = tf.onesLike(output);
  let picked: tf.Tensor4D = tf.zerosLike(output);
  for (const offset of pool.offsets) {
    const hit = tf.mul(open, tf.cast(tf.equal(pool.window(values, offset), output), 'float32')) as tf.Tensor4D;
    picked = tf.add(picked, tf.mul(hit, pool.window(tangents, offset)));
    open = tf.sub(open, hit);
  }
  return picked;
}

interface PoolAttributes {
  filterSize: [number, number] | number;
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The windows of a 2-D pooling: the padding of its input, and every window's pixel at one offset, as an image. */
function geometry(shape: [number, number, number, number], attrs: tf.NamedAttrMap) {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttributes;
  const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const { top, left } = info.padInfo;
  const reach = (out: number, stride: number, size: number) => (out - 1) * stride + size;
  const bottom = Math.max(0, reach(info.outHeight, info.strideHeight, info.filterHeight) - top - info.inHeight);
  const right = Math.max(0, reach(info.outWidth, info.strideWidth, info.filterWidth) - left - info.inWidth);
  const offsets: [number, number][] = [];
  for (let row = 0; row < info.filterHeight; row++)
    for (let column = 0; column < info.filterWidth; column++) offsets.push([row, column]);
  return {
    padding: [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ] as [number, number][],
    offsets,
    window: (image: tf.Tensor4D, [row, column]: [number, number]): tf.Tensor4D =>
      tf.stridedSlice(
        image,
        [0, row, column, 0],
        [
          info.batchSize,
          row + reach(info.outHeight, info.strideHeight, 1),
          column + reach(info.outWidth, info.strideWidth, 1),
          info.inChannels,
        ],
        [1, info.strideHeight, info.strideWidth, 1],
      ) as tf.Tensor4D,
  };
}
