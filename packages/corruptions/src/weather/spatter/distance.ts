/** Lengths of a step along an axis, along a diagonal and of a knight's move, in 16-bit fixed point. */
const STRAIGHT = Math.round(1 * 2 ** 16);
const DIAGONAL = Math.round(1.4 * 2 ** 16);
const KNIGHT = Math.round(2.1969 * 2 ** 16);

const NEIGHBOURS = [
  [-1, 0, STRAIGHT],
  [0, -1, STRAIGHT],
  [-1, -1, DIAGONAL],
  [-1, 1, DIAGONAL],
  [-1, -2, KNIGHT],
  [-1, 2, KNIGHT],
  [-2, -1, KNIGHT],
  [-2, 1, KNIGHT],
] as const;

/**
 * The distance of every pixel from the nearest with `seeds` ≠ 0, in steps of a 5×5 mask: Borgefors, "Distance
 * transformations in digital images" (1986), with OpenCV's lengths 1, 1.4 and 2.1969. Without seeds all are far away.
 */
export function chamferDistance(seeds: Uint8Array, height: number, width: number): Float32Array {
  const far = 2 ** 30;
  const distance = Int32Array.from(seeds, (seed) => (seed ? 0 : far));
  const relax = (y: number, x: number, direction: 1 | -1) => {
    let best = distance[y * width + x]!;
    for (const [dy, dx, length] of NEIGHBOURS) {
      const [row, column] = [y + direction * dy, x + direction * dx];
      if (row < 0 || column < 0 || row >= height || column >= width) continue;
      best = Math.min(best, distance[row * width + column]! + length);
    }
    distance[y * width + x] = best;
  };
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) relax(y, x, 1);
  for (let y = height - 1; y >= 0; y--) for (let x = width - 1; x >= 0; x--) relax(y, x, -1);
  return Float32Array.from(distance, (d) => d * 2 ** -16);
}
