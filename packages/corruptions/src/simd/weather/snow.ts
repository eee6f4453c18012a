// AssemblyScript of weather/snow.ts: the same numbers.
import { clipped, fourOfPairs, loadLevels, storePixel, unitOf } from '../images/levels';

/** to = (mean + deviation n) weight for n normals, as f64; one more may be read and written. */
export function weightedNoise(normal: usize, to: usize, n: u32, mean: f64, deviation: f64, weight: f64): void {
  const end = to + (<usize>n << 3);
  for (; to < end; to += 16) {
    const z = f64x2.promote_low_f32x4(v128.load64_zero(normal));
    const noise = f64x2.add(f64x2.splat(mean), f64x2.mul(f64x2.splat(deviation), z));
    v128.store(to, f64x2.mul(noise, f64x2.splat(weight)));
    normal += 8;
  }
}

/**
 * The layer of flakes before it is blurred, as levels: mean + deviation n, magnified (rows and columns as low index, high
 * index, and f64 weight of the high one), 0 below the threshold, clipped and truncated. `low` and `high` have room for a
 * row of `stride` f64.
 */
export function flakeLayer(
  normal: usize,
  out: usize,
  stride: u32,
  mean: f64,
  deviation: f64,
  threshold: f64,
  rowLow: usize,
  rowHigh: usize,
  rowWeight: usize,
  height: u32,
  columnLow: usize,
  columnHigh: usize,
  columnWeight: usize,
  width: u32,
  low: usize,
  high: usize,
): void {
  for (let y: usize = 0; y < height; y++) {
    const wy = load<f64>(rowWeight + (y << 3));
    weightedNoise(normal + (load<u32>(rowLow + (y << 2)) * stride << 2), low, stride, mean, deviation, 1 - wy);
    weightedNoise(normal + (load<u32>(rowHigh + (y << 2)) * stride << 2), high, stride, mean, deviation, wy);
    for (let x: usize = 0; x < width; x++) {
      const left = <usize>load<u32>(columnLow + (x << 2)) << 3;
      const right = <usize>load<u32>(columnHigh + (x << 2)) << 3;
      const wx = load<f64>(columnWeight + (x << 3));
      const s =
        load<f64>(low + left) * (1 - wx) +
        load<f64>(low + right) * wx +
        load<f64>(high + left) * (1 - wx) +
        load<f64>(high + right) * wx;
      store<u8>(out, s < threshold ? 0 : clipped(s * 255));
      out++;
    }
  }
}

/**
 * Levels whitened, in f32, and under flakes, clip(keep v + (1 - keep) max(v, 1.5 luma + 0.5) + m + m turned by 180 degrees),
 * in their place, m levels of one channel.
 */
export function snowed(
  levels: usize,
  pixels: u32,
  channels: u32,
  flakes: usize,
  keep: f32,
  rest: f32,
): void {
  let opposite = flakes + pixels - 1;
  const scale = f64x2.splat(255);
  for (let i: u32 = 0; i < pixels; i++) {
    const v = f32x4.div(loadLevels(levels), f32x4.splat(255));
    const red = f32x4.extract_lane(v, 0);
    const luma =
      channels == 1
        ? red
        : <f32>0.299 * red + <f32>0.587 * f32x4.extract_lane(v, 1) + <f32>0.114 * f32x4.extract_lane(v, 2);
    const whitened = f32x4.pmax(v, f32x4.splat(luma * 1.5 + 0.5));
    const white = f32x4.add(f32x4.mul(f32x4.splat(keep), v), f32x4.mul(f32x4.splat(rest), whitened));
    const flake = v128.load64_splat(unitOf(flakes + i));
    const other = v128.load64_splat(unitOf(opposite));
    const a = f64x2.add(f64x2.add(f64x2.promote_low_f32x4(white), flake), other);
    const last = f64x2.promote_low_f32x4(v128.shuffle<i64>(white, white, 1, 0));
    const b = f64x2.add(f64x2.add(last, flake), other);
    storePixel(levels, fourOfPairs(f64x2.mul(a, scale), f64x2.mul(b, scale)), channels);
    levels += channels;
    opposite--;
  }
}
