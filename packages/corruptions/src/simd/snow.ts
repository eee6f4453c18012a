// AssemblyScript. ../weather/snow.ts, the same numbers.
import { clipped } from './convert';

/** to = (mean + deviation n) weight for a row of normals. */
function weightedRow(normal: usize, to: usize, width: u32, mean: f64, deviation: f64, weight: f64): void {
  const end = to + (<usize>width << 3);
  for (; to < end; to += 16) {
    const n = f64x2.promote_low_f32x4(v128.load64_zero(normal));
    const noise = f64x2.add(f64x2.splat(mean), f64x2.mul(f64x2.splat(deviation), n));
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
    weightedRow(normal + (load<u32>(rowLow + (y << 2)) * stride << 2), low, stride, mean, deviation, 1 - wy);
    weightedRow(normal + (load<u32>(rowHigh + (y << 2)) * stride << 2), high, stride, mean, deviation, wy);
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
