/** The side of the map: the smallest power of two that covers the image. */
export const plasmaSide = (height: number, width: number) => 2 ** Math.ceil(Math.log2(Math.max(height, width)));

/**
 * A plasma fractal of m×m values in 0..1 on a torus (diamond-square), m a power of two. From a single corner 0 and the
 * amplitude A = 100, every round sets the centres of the squares, then the centres of their upper and of their left
 * edges, each to the mean of its four neighbours plus A² u; the step halves and A falls by `decay`. `uniform` holds the
 * m² − 1 values u in [−1, 1) in this order, rows first. At last the map is brought to 0..1; m = 1 gives 0.
 */
export function plasma(m: number, decay: number, uniform: ArrayLike<number>): Float64Array {
  const map = new Float64Array(m * m);
  let draw = 0;
  let amplitude = 100;
  for (let step = m; step >= 2; step /= 2) {
    const half = step / 2;
    const wibble = (sum: number) => sum / 4 + amplitude * (amplitude * uniform[draw++]!);
    const at = (y: number, x: number) => map[((y + m) % m) * m + ((x + m) % m)]!;
    for (let y = half; y < m; y += step)
      for (let x = half; x < m; x += step)
        map[y * m + x] = wibble(
          at(y - half, x - half) + at(y + half, x - half) + (at(y - half, x + half) + at(y + half, x + half)),
        );
    for (let y = 0; y < m; y += step)
      for (let x = half; x < m; x += step)
        map[y * m + x] = wibble(at(y + half, x) + at(y - half, x) + (at(y, x - half) + at(y, x + half)));
    for (let y = half; y < m; y += step)
      for (let x = 0; x < m; x += step)
        map[y * m + x] = wibble(at(y, x + half) + at(y, x - half) + (at(y - half, x) + at(y + half, x)));
    amplitude /= decay;
  }
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of map) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high === low ? map.fill(0) : map.map((value) => (value - low) / (high - low));
}
