// AssemblyScript. ../weather/snow.ts, the same numbers.

// @ts-ignore: decorator
@inline
function noise(normal: usize, mean: f64, deviation: f64): f64 {
  return mean + deviation * <f64>load<f32>(normal);
}

/**
 * The layer of flakes before it is blurred, as levels: mean + deviation n, magnified (rows and columns as low index, high
 * index, and f64 weight of the high one), 0 below the threshold, clipped and truncated.
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
): void {
  for (let y: usize = 0; y < height; y++) {
    const low = normal + (load<u32>(rowLow + (y << 2)) * stride << 2);
    const high = normal + (load<u32>(rowHigh + (y << 2)) * stride << 2);
    const wy = load<f64>(rowWeight + (y << 3));
    for (let x: usize = 0; x < width; x++) {
      const left = <usize>load<u32>(columnLow + (x << 2)) << 2;
      const right = <usize>load<u32>(columnHigh + (x << 2)) << 2;
      const wx = load<f64>(columnWeight + (x << 3));
      const s =
        noise(low + left, mean, deviation) * (1 - wy) * (1 - wx) +
        noise(low + right, mean, deviation) * (1 - wy) * wx +
        noise(high + left, mean, deviation) * wy * (1 - wx) +
        noise(high + right, mean, deviation) * wy * wx;
      store<u8>(out, s < threshold ? 0 : <u8>max(0, min(255, <i32>(s * 255))));
      out++;
    }
  }
}
