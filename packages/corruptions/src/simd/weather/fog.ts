// AssemblyScript of weather/fog.ts: the same numbers.
import { fourOfPairs, storePixel, unitPair } from '../images/levels';

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
