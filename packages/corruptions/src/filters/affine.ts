import { mirror101 } from './border';
import { roundHalfEven } from './round-half-even';

/** (x, y) ↦ (m0 x + m1 y + m2, m3 x + m4 y + m5) */
export type Affine = readonly [number, number, number, number, number, number];
type Points = readonly (readonly [x: number, y: number])[];

/** The affine map that takes three points to three others; the identity where the three lie on a line. */
export function affineThrough([a, b, c]: Points, [p, q, r]: Points): Affine {
  const [ux, uy, vx, vy] = [b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]];
  const determinant = ux * vy - uy * vx;
  if (determinant === 0) return [1, 0, 0, 0, 1, 0];
  const row = (k: 0 | 1) => {
    const [du, dv] = [q[k] - p[k], r[k] - p[k]];
    const x = (du * vy - dv * uy) / determinant;
    const y = (dv * ux - du * vx) / determinant;
    return [x, y, p[k] - x * a[0] - y * a[1]] as const;
  };
  return [...row(0), ...row(1)];
}

/** The inverse map; where there is none, the map to the origin, as OpenCV has it. */
export function inverted([a, b, tx, c, d, ty]: Affine): Affine {
  const determinant = a * d - b * c;
  const scale = determinant === 0 ? 0 : 1 / determinant;
  const [p, q, r, s] = [d * scale, b * -scale, c * -scale, a * scale];
  return [p, q, -p * tx - q * ty, r, s, -r * tx - s * ty];
}

/** For each pixel of an image, where its colour comes from: the whole pixel and the 32nds beyond it. */
export interface Warp {
  readonly x: Int32Array;
  readonly y: Int32Array;
}

const FRACTION_BITS = 5;
const FRACTIONS = 2 ** FRACTION_BITS;

/**
 * The source coordinates under an inverse map in 1/1024 pixel, rounded in the two steps of OpenCV: x of a pixel is a number
 * of its row plus a number of its column, which stand at the places 2i, and y the same at 2i + 1.
 */
export function warpSteps([a, b, tx, c, d, ty]: Affine, height: number, width: number) {
  const rows = new Int32Array(2 * height);
  const columns = new Int32Array(2 * width);
  for (let row = 0; row < height; row++) {
    rows[2 * row] = roundHalfEven((b * row + tx) * 1024) + 16;
    rows[2 * row + 1] = roundHalfEven((d * row + ty) * 1024) + 16;
  }
  for (let column = 0; column < width; column++) {
    columns[2 * column] = roundHalfEven(a * column * 1024);
    columns[2 * column + 1] = roundHalfEven(c * column * 1024);
  }
  return { rows, columns };
}

/** The source coordinates of every pixel under an inverse map, in 1/32 pixel. */
export function warpCoordinates(inverse: Affine, height: number, width: number): Warp {
  const { rows, columns } = warpSteps(inverse, height, width);
  const x = new Int32Array(height * width);
  const y = new Int32Array(height * width);
  for (let row = 0, at = 0; row < height; row++)
    for (let column = 0; column < width; column++, at++) {
      x[at] = (rows[2 * row] + columns[2 * column]) >> 5;
      y[at] = (rows[2 * row + 1] + columns[2 * column + 1]) >> 5;
    }
  return { x, y };
}

/**
 * Bilinear interpolation of an image, in float32 throughout as OpenCV does it, at the coordinates of a warp; mirrored
 * without repeating the edge.
 */
export function warped(
  values: Float32Array,
  height: number,
  width: number,
  channels: number,
  { x, y }: Warp,
): Float32Array {
  const out = new Float32Array(values.length);
  for (let pixel = 0; pixel < x.length; pixel++) {
    const column = x[pixel] >> FRACTION_BITS;
    const row = y[pixel] >> FRACTION_BITS;
    const fx = (x[pixel] & (FRACTIONS - 1)) / FRACTIONS;
    const fy = (y[pixel] & (FRACTIONS - 1)) / FRACTIONS;
    const left = mirror101(column, width);
    const right = mirror101(column + 1, width);
    const upper = mirror101(row, height) * width;
    const lower = mirror101(row + 1, height) * width;
    for (let c = 0; c < channels; c++) {
      const term = (at: number, weight: number) => Math.fround(values[at * channels + c] * weight);
      const above = Math.fround(term(upper + left, (1 - fy) * (1 - fx)) + term(upper + right, (1 - fy) * fx));
      const three = Math.fround(above + term(lower + left, fy * (1 - fx)));
      out[pixel * channels + c] = three + term(lower + right, fy * fx);
    }
  }
  return out;
}
