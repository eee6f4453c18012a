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
  const relax = (at: number, right: number, down: number) => {
    const best = Math.min(
      distance[at - down]! + STRAIGHT,
      distance[at - right]! + STRAIGHT,
      distance[at - down - right]! + DIAGONAL,
      distance[at - down + right]! + DIAGONAL,
      distance[at - down - 2 * right]! + KNIGHT,
      distance[at - down + 2 * right]! + KNIGHT,
      distance[at - 2 * down - right]! + KNIGHT,
      distance[at - 2 * down + right]! + KNIGHT,
    );
    if (best < distance[at]!) distance[at] = best;
  };
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) relax((y + 2) * stride + x + 2, 1, stride);
  for (let y = height - 1; y >= 0; y--)
    for (let x = width - 1; x >= 0; x--) relax((y + 2) * stride + x + 2, -1, -stride);
  const out = new Float32Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) out[y * width + x] = distance[(y + 2) * stride + x + 2]! * 2 ** -16;
  return out;
}
