// AssemblyScript. What lies over an image, pixel by pixel, in place of its levels.
import { fourOfPairs, loadIntegers, storeIntegers, storePixel, unitPair } from './convert';

/** clip(a x + b F) in f64 for n levels of an image and a texture, in place of the image's. */
export function blend(levels: usize, texture: usize, n: u32, a: f64, b: f64): void {
  const end = levels + n;
  for (; levels < end; levels += 4) {
    const x = loadIntegers(levels);
    const f = loadIntegers(texture);
    const high = mixed(v128.shuffle<i64>(x, x, 1, 0), v128.shuffle<i64>(f, f, 1, 0), a, b);
    storeIntegers(levels, fourOfPairs(mixed(x, f, a, b), high));
    texture += 4;
  }
}

/** a x + b f of the two lower integers. */
// @ts-ignore: decorator
@inline
function mixed(x: v128, f: v128, a: f64, b: f64): v128 {
  const image = f64x2.mul(f64x2.splat(a), f64x2.convert_low_i32x4_s(x));
  return f64x2.add(image, f64x2.mul(f64x2.splat(b), f64x2.convert_low_i32x4_s(f)));
}

/**
 * clip((v + c (p - low) / range) M / (M + c)) in f64 for levels of v, in their place, with the largest value M in 0..1, from
 * rows of p of `stride` f64.
 */
export function addFog(
  levels: usize,
  height: u32,
  width: u32,
  channels: u32,
  map: usize,
  stride: u32,
  low: f64,
  range: f64,
  c: f64,
  most: f64,
): void {
  const sum = f64x2.splat(most + c);
  for (let y: u32 = 0; y < height; y++) {
    for (let x: u32 = 0; x < width; x++) {
      const haze = f64x2.splat(c * ((load<f64>(map + (<usize>x << 3)) - low) / range));
      const first = fogged(unitPair(levels, levels + 1), haze, most, sum);
      const last = fogged(unitPair(levels + 2, levels + 2), haze, most, sum);
      storePixel(levels, fourOfPairs(first, last), channels);
      levels += channels;
    }
    map += <usize>stride << 3;
  }
}

// @ts-ignore: decorator
@inline
function fogged(v: v128, haze: v128, most: f64, sum: v128): v128 {
  const lit = f64x2.mul(f64x2.add(v, haze), f64x2.splat(most));
  return f64x2.mul(f64x2.div(lit, sum), f64x2.splat(255));
}

/** The largest of n levels. */
export function brightest(levels: usize, n: u32): u32 {
  let most = i8x16.splat(0);
  const whole = levels + (n & ~15);
  const end = levels + n;
  for (; levels < whole; levels += 16) most = i8x16.max_u(most, v128.load(levels));
  most = i8x16.max_u(most, v128.shuffle<i64>(most, most, 1, 0));
  const half = i64x2.extract_lane(most, 0);
  let largest: u32 = 0;
  for (let shift = 0; shift < 64; shift += 8) largest = max<u32>(largest, <u32>(half >>> shift) & 255);
  for (; levels < end; levels++) largest = max<u32>(largest, load<u8>(levels));
  return largest;
}

/** Replaces n levels by what a table of 256 for each channel says. */
export function applyTables(levels: usize, n: u32, channels: u32, tables: usize): void {
  const end = levels + n;
  if (channels == 1) for (; levels < end; levels++) store<u8>(levels, load<u8>(tables + <usize>load<u8>(levels)));
  else
    for (; levels < end; levels += 3) {
      store<u8>(levels, load<u8>(tables + <usize>load<u8>(levels)));
      store<u8>(levels, load<u8>(tables + <usize>load<u8>(levels, 1), 256), 1);
      store<u8>(levels, load<u8>(tables + <usize>load<u8>(levels, 2), 512), 2);
    }
}

/** The sums of the levels of each channel, as three f64; of one channel the sum is that of all three. */
export function channelSums(levels: usize, n: u32, out: usize): void {
  let first: u64 = 0;
  let second: u64 = 0;
  let third: u64 = 0;
  const end = levels + n;
  for (; levels + 3 <= end; levels += 3) {
    first += load<u8>(levels);
    second += load<u8>(levels, 1);
    third += load<u8>(levels, 2);
  }
  if (levels < end) first += load<u8>(levels);
  if (levels + 1 < end) second += load<u8>(levels, 1);
  store<f64>(out, <f64>first);
  store<f64>(out, <f64>second, 8);
  store<f64>(out, <f64>third, 16);
}
