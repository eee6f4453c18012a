// AssemblyScript of images/levels.ts: levels (u8) to and from the numbers that the other files work on.

/** The four levels from p on as i32. */
// @ts-ignore: decorator
@inline
export function loadIntegers(p: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p)));
}

/** The four levels from p on as f32. */
// @ts-ignore: decorator
@inline
export function loadLevels(p: usize): v128 {
  return f32x4.convert_i32x4_s(loadIntegers(p));
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

/** Three i32, or one, clipped to 0..255, as the levels of a pixel; the bytes after it stay as they are. */
// @ts-ignore: decorator
@inline
export function storePixel(p: usize, v: v128, channels: u32): void {
  const words = i16x8.narrow_i32x4_s(v, v);
  const bytes = i8x16.narrow_i16x8_u(words, words);
  v128.store8_lane(p, bytes, 0);
  if (channels == 3) {
    v128.store8_lane(p, bytes, 1, 1);
    v128.store8_lane(p, bytes, 2, 2);
  }
}

/** Two pairs of f64, truncated, as four i32. */
// @ts-ignore: decorator
@inline
export function fourOfPairs(low: v128, high: v128): v128 {
  return v128.shuffle<i64>(i32x4.trunc_sat_f64x2_s_zero(low), i32x4.trunc_sat_f64x2_s_zero(high), 0, 2);
}

/** Sixteen i32, clipped to 0..255. */
// @ts-ignore: decorator
@inline
export function storeSixteen(p: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(p, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

/** level / 255 as f64, of every level: UNITS of images/image.ts. */
const units = memory.data(2048);
for (let level = 0; level < 256; level++) store<f64>(units + (<usize>level << 3), <f64>level / 255);

/** Where level / 255 of the level at p stands, as f64. */
// @ts-ignore: decorator
@inline
export function unitOf(p: usize): usize {
  return units + (<usize>load<u8>(p) << 3);
}

/** The levels at p and at q as f64 in 0..1. */
// @ts-ignore: decorator
@inline
export function unitPair(p: usize, q: usize): v128 {
  return v128.load64_lane(unitOf(q), v128.load64_zero(unitOf(p)), 1);
}

/** An f64, clipped to 0..255 and truncated. */
// @ts-ignore: decorator
@inline
export function clipped(x: f64): u8 {
  return <u8>max<i32>(0, min<i32>(255, <i32>x));
}

/** The levels of pixels of `channels` as pixels of four f32 in 0..1. */
export function pixelsOfLevels(from: usize, to: usize, pixels: u32, channels: u32): void {
  // A division, as the published code has it: a product with 1/255 can differ in the last place.
  const divisor = f32x4.splat(255);
  for (let i: u32 = 0; i < pixels; i++) {
    v128.store(to, f32x4.div(loadLevels(from), divisor));
    from += channels;
    to += 16;
  }
}

/** n integers as levels; false where one of them lies outside 0..255. */
export function levelsOfIntegers(from: usize, to: usize, n: u32): bool {
  let outside = i32x4.splat(0);
  const whole = n & ~15;
  const end = to + whole;
  for (; to < end; to += 16) {
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    const d = v128.load(from, 48);
    outside = v128.or(v128.or(v128.or(a, b), v128.or(c, d)), outside);
    storeSixteen(to, a, b, c, d);
    from += 64;
  }
  // Whatever is negative or above 255 sets a bit above the lowest eight.
  if (v128.any_true(v128.and(outside, i32x4.splat(~255)))) return false;
  for (let i = whole; i < n; i++) {
    const value = load<u32>(from);
    if (value > 255) return false;
    store<u8>(to, <u8>value);
    from += 4;
    to++;
  }
  return true;
}

/** 255 x + 1/2 of the lower two of four floats, in f64. */
// @ts-ignore: decorator
@inline
function raised(x: v128): v128 {
  return f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(x), f64x2.splat(255)), f64x2.splat(0.5));
}

// @ts-ignore: decorator
@inline
function isLevel(raised: v128): v128 {
  return v128.and(f64x2.ge(raised, f64x2.splat(0)), f64x2.lt(raised, f64x2.splat(256)));
}

/** n floats in 0..1 as the nearest levels; false where one of them lies outside, or is NaN. */
export function levelsOfFloats(from: usize, to: usize, n: u32): bool {
  let inside = i64x2.splat(-1);
  const whole = n & ~3;
  const end = to + whole;
  for (; to < end; to += 4) {
    const low = raised(v128.load(from));
    const high = raised(v128.load64_zero(from, 8));
    inside = v128.and(inside, v128.and(isLevel(low), isLevel(high)));
    storeIntegers(to, fourOfPairs(low, high));
    from += 16;
  }
  if (!i64x2.all_true(inside)) return false;
  for (let i = whole; i < n; i++) {
    const level = <f64>load<f32>(from) * 255 + 0.5;
    if (!(level >= 0 && level < 256)) return false;
    store<u8>(to, <u8>level);
    from += 4;
    to++;
  }
  return true;
}

/** n levels as i32; writes up to 15 more. */
export function integersOfLevels(from: usize, to: usize, n: u32): void {
  const end = from + n;
  for (; from < end; from += 16) {
    v128.store(to, loadIntegers(from));
    v128.store(to, loadIntegers(from + 4), 16);
    v128.store(to, loadIntegers(from + 8), 32);
    v128.store(to, loadIntegers(from + 12), 48);
    to += 64;
  }
}

/** n levels as f32; writes up to 3 more. */
export function floatsOfLevels(from: usize, to: usize, n: u32): void {
  const end = from + n;
  for (; from < end; from += 4) {
    v128.store(to, loadLevels(from));
    to += 16;
  }
}

/** n levels as f32 in 0..1; writes up to 3 more. */
export function unitsOfLevels(from: usize, to: usize, n: u32): void {
  pixelsOfLevels(from, to, (n + 3) >> 2, 4);
}
