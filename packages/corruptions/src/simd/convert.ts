// AssemblyScript. Levels (u8) to and from the numbers that the other files work on.

/** The four levels from p on as f32. */
// @ts-ignore: decorator
@inline
export function loadLevels(p: usize): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p))));
}

/** Four f32, clipped to 0..255 and truncated, as levels from p on. */
// @ts-ignore: decorator
@inline
export function storeLevels(p: usize, v: v128): void {
  storeIntegers(p, i32x4.trunc_sat_f32x4_s(v));
}

/** Four i32, clipped to 0..255. */
// @ts-ignore: decorator
@inline
export function storeIntegers(p: usize, v: v128): void {
  const words = i16x8.narrow_i32x4_s(v, v);
  v128.store32_lane(p, i8x16.narrow_i16x8_u(words, words), 0);
}

/** n levels of `channels` interleaved ones as pixels of four f32, times scale. */
export function pixelsOfLevels(from: usize, to: usize, pixels: u32, channels: u32, scale: f32): void {
  // A division, as the published code has it: a product with 1/255 can differ in the last place.
  const divisor = f32x4.splat(scale);
  for (let i: u32 = 0; i < pixels; i++) {
    v128.store(to, f32x4.div(loadLevels(from), divisor));
    from += channels;
    to += 16;
  }
}

/** Rows and columns of an image as f32, picked by index: height × width pixels from one of `stride` pixels a row. */
export function paddedLevels(
  from: usize,
  to: usize,
  rows: usize,
  height: u32,
  columns: usize,
  width: u32,
  stride: u32,
  channels: u32,
): void {
  for (let y: u32 = 0; y < height; y++) {
    const row = from + load<u32>(rows + (<usize>y << 2)) * stride * channels;
    for (let x: u32 = 0; x < width; x++) {
      const at = row + load<u32>(columns + (<usize>x << 2)) * channels;
      for (let c: u32 = 0; c < channels; c++) {
        store<f32>(to, <f32>load<u8>(at + c));
        to += 4;
      }
    }
  }
}

/** n f64 in 0..1 times 255, clipped and truncated. */
export function levelsOfDoubles(from: usize, to: usize, n: u32): void {
  const scale = f64x2.splat(255);
  for (let i: usize = 0; i < n; i += 4) {
    const at = from + (i << 3);
    const low = i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(v128.load(at), scale));
    const high = i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(v128.load(at, 16), scale));
    storeIntegers(to + i, v128.shuffle<i64>(low, high, 0, 2));
  }
}

/** n integers as levels; false where one of them lies outside 0..255. */
export function levelsOfIntegers(from: usize, to: usize, n: u32): bool {
  let outside = i32x4.splat(0);
  for (let i: usize = 0; i < n; i += 4) {
    const v = v128.load(from + (i << 2));
    outside = v128.or(outside, v);
    storeIntegers(to + i, v);
  }
  // Whatever is negative or above 255 sets a bit above the lowest eight.
  return !v128.any_true(v128.and(outside, i32x4.splat(~255)));
}

/** n floats in 0..1 as the nearest levels; false where one of them lies outside, or is NaN. */
export function levelsOfFloats(from: usize, to: usize, n: u32): bool {
  let inside = i32x4.splat(-1);
  const half = f32x4.splat(0.5);
  for (let i: usize = 0; i < n; i += 4) {
    const level = f32x4.add(f32x4.mul(v128.load(from + (i << 2)), f32x4.splat(255)), half);
    const within = v128.and(f32x4.ge(level, f32x4.splat(0)), f32x4.lt(level, f32x4.splat(256)));
    inside = v128.and(inside, within);
    storeLevels(to + i, level);
  }
  return i32x4.all_true(inside);
}

/** n levels divided by 255 as f64. */
export function doublesOfLevels(from: usize, to: usize, n: u32): void {
  const scale = f64x2.splat(255);
  for (let i: usize = 0; i < n; i += 4) {
    const v = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(from + i)));
    const at = to + (i << 3);
    v128.store(at, f64x2.div(f64x2.convert_low_i32x4_s(v), scale));
    v128.store(at, f64x2.div(f64x2.convert_low_i32x4_s(v128.shuffle<i64>(v, v, 1, 0)), scale), 16);
  }
}

/** n f32 as f64. */
export function doublesOfFloats(from: usize, to: usize, n: u32): void {
  for (let i: usize = 0; i < n; i += 2) v128.store(to + (i << 3), f64x2.promote_low_f32x4(v128.load64_zero(from + (i << 2))));
}

/** n f64 times scale as f32. */
export function floatsOfDoubles(from: usize, to: usize, n: u32, scale: f64): void {
  const factor = f64x2.splat(scale);
  for (let i: usize = 0; i < n; i += 2) {
    const v = f32x4.demote_f64x2_zero(f64x2.mul(v128.load(from + (i << 3)), factor));
    v128.store64_lane(to + (i << 2), v, 0);
  }
}
