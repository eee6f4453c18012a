import * as tf from '@tensorflow/tfjs-core';
import type { ImageShape } from './corruption';
import type { Simd } from './simd-module';

/** The number of images in `shape`, which is [N, H, W, C] or [H, W, C], and the size of each. */
export function imageShapeOf(verb: string, shape: readonly number[]): ImageShape & { readonly count: number } {
  const whole = Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && n >= 0);
  const [count, height, width, channels] = whole && shape.length === 3 ? [1, ...shape] : shape;
  if (!whole || (shape.length !== 3 && shape.length !== 4))
    throw new RangeError(`${verb}: images must have the shape [N, H, W, C] or [H, W, C], got [${shape}]`);
  if (channels !== 1 && channels !== 3)
    throw new RangeError(`${verb}: images must have 1 or 3 channels, the last axis, got shape [${shape}]`);
  if (height! < 1 || width! < 1)
    throw new RangeError(`${verb}: images must be at least one pixel high and wide, got shape [${shape}]`);
  return { count: count!, height: height!, width: width!, channels };
}

/**
 * The 8-bit levels of images: int32 as they are, float32 as round(255 x).
 *
 * @throws RangeError on a value that is NaN, not an integer level, or outside the range of the dtype
 */
export function levelsOf(verb: string, images: tf.Tensor, simd?: Simd): Uint8Array {
  const values = images.dataSync<'float32' | 'int32'>();
  const levels = new Uint8Array(values.length);
  const done = simd ? levelsBySimd(simd, values, levels) : 0;
  const scale = images.dtype === 'int32' ? 1 : 255;
  for (let i = done; i < levels.length; i++) {
    const level = values[i]! * scale + 0.5;
    if (!(level >= 0 && level < 256))
      throw new RangeError(
        images.dtype === 'int32'
          ? `${verb}: int32 images must lie in 0..255, got ${values[i]}`
          : `${verb}: float32 images must lie in 0..1, got ${values[i]}; divide levels by 255`,
      );
    levels[i] = level;
  }
  return levels;
}

/** A stretch of numbers that stays in the caches. */
const STRETCH = 1 << 16;

/** Writes the levels of the values, and tells of how many: all but the last few, or up to one that is no level. */
function levelsBySimd(simd: Simd, values: Float32Array | Int32Array, levels: Uint8Array): number {
  const { levelsOfIntegers, levelsOfFloats } = simd.kernels;
  const convert = values instanceof Int32Array ? levelsOfIntegers : levelsOfFloats;
  const whole = values.length & ~3;
  for (let at = 0; at < whole; at += STRETCH) {
    const n = Math.min(STRETCH, whole - at);
    simd.reset();
    const from = simd.copy(values.subarray(at, at + n));
    const to = simd.allocate(n);
    if (!convert(from, to, n)) return at;
    levels.set(simd.bytes(to, n), at);
  }
  return whole;
}

/** Levels as a tensor of the shape and dtype of `like`: int32 in 0..255, or float32 level / 255. */
export function tensorOfLevels(levels: Uint8Array, like: tf.Tensor): tf.Tensor {
  if (like.dtype === 'int32') return tf.tensor(new Int32Array(levels), like.shape, 'int32');
  const values = new Float32Array(levels.length);
  for (let i = 0; i < values.length; i++) values[i] = levels[i]! / 255;
  return tf.tensor(values, like.shape, 'float32');
}

/** As `levelsOf` and on the device: what lies outside the range of the dtype is clipped, and NaN is 0. */
export function deviceLevels(images: tf.Tensor4D): tf.Tensor4D {
  const scaled = images.dtype === 'int32' ? images : tf.floor(tf.add(tf.mul(images, 255), 0.5));
  const known = images.dtype === 'int32' ? scaled : tf.where(tf.isNaN(scaled), tf.zerosLike(scaled), scaled);
  return tf.cast(tf.clipByValue(known, 0, 255), 'int32') as tf.Tensor4D;
}
