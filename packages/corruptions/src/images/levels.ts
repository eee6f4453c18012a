import * as tf from '@tensorflow/tfjs-core';
import type { Simd } from '../backends/simd-module';
import type { ImageShape } from './image';

/** 16 GiB of float32 or int32. */
const MOST_VALUES = 2 ** 32;

/** The number of images in `shape`, which is [N, H, W, C] or [H, W, C], and the size of each. */
export function imageShapeOf(verb: string, shape: readonly number[]): ImageShape & { readonly count: number } {
  const whole = Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && n >= 0);
  if (!whole || (shape.length !== 3 && shape.length !== 4))
    throw new RangeError(`${verb}: images must have the shape [N, H, W, C] or [H, W, C], got [${shape}]`);
  const [count, height, width, channels] = shape.length === 3 ? [1, ...shape] : shape;
  if (channels !== 1 && channels !== 3)
    throw new RangeError(`${verb}: images must have 1 or 3 channels, the last axis, got shape [${shape}]`);
  if (height! < 1 || width! < 1)
    throw new RangeError(`${verb}: images must be at least one pixel high and wide, got shape [${shape}]`);
  if (shape.reduce((product, n) => product * n, 1) > MOST_VALUES)
    throw new RangeError(
      `${verb}: images must hold at most 2^32 values, got shape [${shape}]; take parts of the batch`,
    );
  return { count: count!, height: height!, width: width!, channels };
}

/** The numbers of images: int32 levels in 0..255, or float32 in 0..1. */
type Values = Int32Array | Float32Array;

/**
 * The 8-bit levels of values: int32 as they are, float32 as round(255 x).
 *
 * @throws RangeError on a value that is NaN or outside the range of the dtype
 */
export function levelsOf(verb: string, values: Values): Uint8Array {
  const levels = new Uint8Array(values.length);
  const integers = values instanceof Int32Array;
  const scale = integers ? 1 : 255;
  for (let i = 0; i < levels.length; i++) {
    const level = values[i] * scale + 0.5;
    if (!(level >= 0 && level < 256))
      throw new RangeError(
        integers
          ? `${verb}: int32 images must lie in 0..255, got ${values[i]}`
          : `${verb}: float32 images must lie in 0..1, got ${values[i]}; divide levels by 255`,
      );
    levels[i] = level;
  }
  return levels;
}

/** Writes levels as values: int32 in 0..255, or float32 level / 255. */
export function writeLevels(levels: Uint8Array, values: Values): void {
  if (values instanceof Int32Array) values.set(levels);
  else for (let i = 0; i < values.length; i++) values[i] = levels[i] / 255;
}

/** How many values are converted in one go: few enough to stay in the first-level cache. */
const STRETCH = 4096;

/** Room for a stretch of values like these in the memory of the SIMD module. */
function stretchLike(simd: Simd, values: Values): Values {
  const address = simd.allocate(values.BYTES_PER_ELEMENT * STRETCH);
  return simd.view<Values>(values instanceof Int32Array ? Int32Array : Float32Array, address, STRETCH);
}

/** `levelsOf` in the memory of the SIMD module: the address of the levels. */
export function levelsInMemory(simd: Simd, verb: string, values: Values): number {
  const { levelsOfIntegers, levelsOfFloats } = simd.kernels;
  const convert = values instanceof Int32Array ? levelsOfIntegers : levelsOfFloats;
  const levels = simd.allocate(values.length);
  const stretch = stretchLike(simd, values);
  for (let from = 0; from < values.length; from += STRETCH) {
    const part = values.subarray(from, from + STRETCH);
    stretch.set(part);
    // Throws: it finds the value that the kernel has found.
    if (!convert(stretch.byteOffset, levels + from, part.length)) levelsOf(verb, part);
  }
  return levels;
}

/** `writeLevels` from the memory of the SIMD module. */
export function writeFromMemory(simd: Simd, levels: number, values: Values): void {
  const { integersOfLevels, unitsOfLevels } = simd.kernels;
  const convert = values instanceof Int32Array ? integersOfLevels : unitsOfLevels;
  const stretch = stretchLike(simd, values);
  for (let from = 0; from < values.length; from += STRETCH) {
    const length = Math.min(STRETCH, values.length - from);
    convert(levels + from, stretch.byteOffset, length);
    values.set(stretch.subarray(0, length), from);
  }
}

/** As `levelsOf`, on the device: what lies outside the range of the dtype is clipped, and NaN is 0. */
export function deviceLevels(images: tf.Tensor4D): tf.Tensor4D {
  const scaled = images.dtype === 'int32' ? images : tf.floor(tf.add(tf.mul(images, 255), 0.5));
  const known = images.dtype === 'int32' ? scaled : tf.where(tf.isNaN(scaled), tf.zerosLike(scaled), scaled);
  return tf.cast(tf.clipByValue(known, 0, 255), 'int32') as tf.Tensor4D;
}
