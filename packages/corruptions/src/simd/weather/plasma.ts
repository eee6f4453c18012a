// AssemblyScript of weather/plasma.ts: the diamonds and squares, the same numbers bit for bit.

/**
 * Fills a map of m by m float64 from m^2 - 1 float32 uniforms in [-1, 1); `extremes` gets the smallest and the largest number
 * of the map.
 */
export function plasma(map: usize, m: i32, decay: f64, uniform: usize, extremes: usize): void {
  store<f64>(map, 0);
  const torus = m - 1;
  let amplitude: f64 = 100;
  for (let step = m; step >= 2; step >>= 1) {
    const half = step >> 1;
    for (let y = half; y < m; y += step) {
      const above = map + ((y - half) * m << 3);
      const below = map + (((y + half) & torus) * m << 3);
      for (let x = half; x < m; x += step) {
        const left = <usize>(x - half) << 3;
        const right = <usize>((x + half) & torus) << 3;
        const sum = load<f64>(above + left) + load<f64>(below + left) + (load<f64>(above + right) + load<f64>(below + right));
        store<f64>(map + (y * m + x << 3), sum / 4 + amplitude * (amplitude * <f64>load<f32>(uniform)));
        uniform += 4;
      }
    }
    for (let y = 0; y < m; y += step) {
      const above = map + (((y - half) & torus) * m << 3);
      const row = map + (y * m << 3);
      const below = map + ((y + half) * m << 3);
      for (let x = half; x < m; x += step) {
        const at = <usize>x << 3;
        const left = <usize>(x - half) << 3;
        const right = <usize>((x + half) & torus) << 3;
        const sum = load<f64>(below + at) + load<f64>(above + at) + (load<f64>(row + left) + load<f64>(row + right));
        store<f64>(row + at, sum / 4 + amplitude * (amplitude * <f64>load<f32>(uniform)));
        uniform += 4;
      }
    }
    for (let y = half; y < m; y += step) {
      const above = map + ((y - half) * m << 3);
      const row = map + (y * m << 3);
      const below = map + (((y + half) & torus) * m << 3);
      for (let x = 0; x < m; x += step) {
        const at = <usize>x << 3;
        const left = <usize>((x - half) & torus) << 3;
        const right = <usize>(x + half) << 3;
        const sum = load<f64>(row + right) + load<f64>(row + left) + (load<f64>(above + at) + load<f64>(below + at));
        store<f64>(row + at, sum / 4 + amplitude * (amplitude * <f64>load<f32>(uniform)));
        uniform += 4;
      }
    }
    amplitude /= decay;
  }
  let low = f64x2.splat(Infinity);
  let high = f64x2.splat(-Infinity);
  const end = map + (m * m << 3);
  let at = map;
  for (; at + 16 <= end; at += 16) {
    const value = v128.load(at);
    low = f64x2.min(low, value);
    high = f64x2.max(high, value);
  }
  // A map of one number.
  if (at < end) low = high = v128.load64_splat(at);
  store<f64>(extremes, min(f64x2.extract_lane(low, 0), f64x2.extract_lane(low, 1)));
  store<f64>(extremes, max(f64x2.extract_lane(high, 0), f64x2.extract_lane(high, 1)), 8);
}
