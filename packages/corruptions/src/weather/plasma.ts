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
  const torus = m - 1;
  let draw = 0;
  let amplitude = 100;
  for (let step = m; step >= 2; step /= 2) {
    const half = step / 2;
    for (let y = half; y < m; y += step) {
      const [above, below] = [(y - half) * m, ((y + half) & torus) * m];
      for (let x = half; x < m; x += step) {
        const [left, right] = [x - half, (x + half) & torus];
        const sum = map[above + left] + map[below + left] + (map[above + right] + map[below + right]);
        map[y * m + x] = sum / 4 + amplitude * (amplitude * uniform[draw++]);
      }
    }
    for (let y = 0; y < m; y += step) {
      const [above, row, below] = [((y - half) & torus) * m, y * m, (y + half) * m];
      for (let x = half; x < m; x += step) {
        const sum = map[below + x] + map[above + x] + (map[row + x - half] + map[row + ((x + half) & torus)]);
        map[row + x] = sum / 4 + amplitude * (amplitude * uniform[draw++]);
      }
    }
    for (let y = half; y < m; y += step) {
      const [above, row, below] = [(y - half) * m, y * m, ((y + half) & torus) * m];
      for (let x = 0; x < m; x += step) {
        const sum = map[row + x + half] + map[row + ((x - half) & torus)] + (map[above + x] + map[below + x]);
        map[row + x] = sum / 4 + amplitude * (amplitude * uniform[draw++]);
      }
    }
    amplitude /= decay;
  }
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < map.length; i++) {
    const value = map[i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const range = high === low ? 1 : high - low;
  for (let i = 0; i < map.length; i++) map[i] = (map[i] - low) / range;
  return map;
}
