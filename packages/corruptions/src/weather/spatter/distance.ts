/** Lengths of a step along an axis, along a diagonal and of a knight's move, in 16-bit fixed point. */
const STRAIGHT = Math.round(1 * 2 ** 16);
const DIAGONAL = Math.round(1.4 * 2 ** 16);
const KNIGHT = Math.round(2.1969 * 2 ** 16);

const FAR = 2 ** 30;

/**
 * The distance of every pixel from the nearest with `seeds` ≠ 0, in steps of a 5×5 mask: Borgefors, "Distance
 * transformations in digital images" (1986), with OpenCV's lengths 1, 1.4 and 2.1969. Without seeds all are far away.
 */
export function chamferDistance(seeds: Uint8Array, height: number, width: number): Float32Array {
  // Two pixels of far distance on every side spare the questions whether a neighbour exists.
  const stride = width + 4;
  const distance = new Int32Array((height + 4) * stride).fill(FAR);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (seeds[y * width + x]) distance[(y + 2) * stride + x + 2] = 0;
  sweep(distance, 2 * stride + 2, height, width, 1, stride);
  sweep(distance, (height + 1) * stride + width + 1, height, width, -1, -stride);
  const out = new Float32Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) out[y * width + x] = distance[(y + 2) * stride + x + 2] * 2 ** -16;
  return out;
}

/** Lowers every distance to what its neighbours before it, seen in steps `right` and `down`, allow. */
function sweep(distance: Int32Array, from: number, height: number, width: number, right: number, down: number): void {
  for (let y = 0; y < height; y++)
    for (let x = 0, at = from + y * down; x < width; x++, at += right) {
      const above = at - down;
      const straight = Math.min(distance[above], distance[at - right]);
      const diagonal = Math.min(distance[above - right], distance[above + right]);
      const wide = Math.min(distance[above - 2 * right], distance[above + 2 * right]);
      const high = Math.min(distance[above - down - right], distance[above - down + right]);
      const best = Math.min(straight + STRAIGHT, Math.min(diagonal + DIAGONAL, Math.min(wide, high) + KNIGHT));
      if (best < distance[at]) distance[at] = best;
    }
}
