import type { Simd } from '../backends/simd-module';
import type { SimdImage } from '../images/image';
import { BORDER_OF, type BorderName, borderIndices } from './border';
import { memoized } from './memoized';
import { numpySum } from './numpy-sum';

/**
 * The taps exp(−i²/2σ²), i = 0..radius, of a symmetric kernel, divided by the sum of all 2 radius + 1, in the order in which
 * scipy and numpy compute them: the last bit decides how a constant area is truncated.
 */
export function gaussianTaps(sigma: number, radius: number): Float64Array {
  const taps = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp((-0.5 / (sigma * sigma)) * (i * i)));
  const sum = numpySum(Float64Array.from({ length: 2 * radius + 1 }, (_, i) => taps[Math.abs(i - radius)]));
  return taps.map((tap) => tap / sum);
}

/** An array of rows × columns × channels, channels innermost. */
export interface Grid {
  readonly values: Float64Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * Gaussian smoothing of a grid along columns, then along rows, with a radius of int(truncate σ + ½) pixels; σ = 0, or a
 * radius of 0, leaves an axis as it is.
 */
export function gaussianFilter(
  { values, height, width, channels }: Grid,
  [sigmaY, sigmaX]: readonly [number, number],
  truncate: number,
  border: BorderName,
): Float64Array {
  const rowSize = width * channels;
  const vertical = smoothed(values, 1, height, rowSize, sigmaY, truncate, border);
  return smoothed(vertical, height, width, channels, sigmaX, truncate, border);
}

export const gaussianRadius = (sigma: number, truncate: number) => Math.trunc(truncate * sigma + 0.5);

/** True for kernels that reach over a whole row of n, and further: they are folded into a matrix. */
export const isWide = (radius: number, n: number) => 2 * radius >= n && n > 1;

/**
 * `gaussianFilter`, times `scale`, in the memory of the SIMD module, the same numbers bit for bit. Levels stand for
 * level / 255, and the result is clipped and truncated; float32 and float64 stay what they are. Several channels must be
 * wider than their kernel, see `isWide`. Tells where the result is.
 */
export function smoothedInMemory(simd: Simd, grid: SimdImage, smoothing: Smoothing, kind: keyof typeof KINDS): number {
  const { at, height, width, channels } = grid;
  const { sigmas, truncate, border, scale } = smoothing;
  const radiusY = height === 1 ? 0 : gaussianRadius(sigmas[0], truncate);
  const radiusX = width === 1 ? 0 : gaussianRadius(sigmas[1], truncate);
  if (isWide(radiusY, height) || isWide(radiusX, width)) return foldedInMemory(simd, grid, smoothing, kind);
  const rowBytes = 8 * (width * channels + 7);
  const out = simd.allocate(height * width * channels * KINDS[kind].bytes);
  simd.kernels.smoothed(
    at,
    out,
    height,
    width,
    channels,
    simd.copy(radiusY === 0 ? Float64Array.of(1) : gaussianTaps(sigmas[0], radiusY)),
    radiusY,
    simd.copy(radiusX === 0 ? Float64Array.of(1) : gaussianTaps(sigmas[1], radiusX)),
    radiusX,
    simd.copy(borderIndices(height, radiusY, radiusY, BORDER_OF[border])),
    simd.copy(borderIndices(width, radiusX, radiusX, BORDER_OF[border])),
    KINDS[kind].code,
    scale,
    simd.allocate((2 * radiusY + 1) * rowBytes),
    simd.allocate(rowBytes + 16 * radiusX * channels),
    simd.allocate(rowBytes),
    simd.allocate(8 * Math.max(radiusY, radiusX)),
  );
  return out;
}

/** `smoothedInMemory` for one channel and kernels of which one at least is wide: products with matrices. */
function foldedInMemory(
  simd: Simd,
  { at, height, width }: SimdImage,
  { sigmas: [sigmaY, sigmaX], truncate, border, scale }: Smoothing,
  kind: keyof typeof KINDS,
): number {
  const { kernels } = simd;
  const { code, bytes } = KINDS[kind];
  const n = height * width;
  const size = { height, width, channels: 1 };
  const narrow = (from: number, sigmas: readonly [number, number]) =>
    smoothedInMemory(simd, { ...size, at: from }, { sigmas, truncate, border, scale: 1 }, 'float64');
  const matrix = (sigma: number, side: number, transposed: 0 | 1) =>
    simd.copy(foldedTaps(sigma, gaussianRadius(sigma, truncate), side, border, transposed));
  const panel = simd.allocate(2 ** 14 + 64);
  let x = simd.allocate(8 * n);
  kernels.loadDoubles(at, x, n, code);
  if (isWide(gaussianRadius(sigmaY, truncate), height)) {
    const product = simd.allocate(8 * n);
    kernels.matMul(matrix(sigmaY, height, 0), x, product, height, width, height, panel);
    x = product;
  } else x = narrow(x, [sigmaY, 0]);
  if (isWide(gaussianRadius(sigmaX, truncate), width)) {
    const product = simd.allocate(8 * n);
    kernels.matMul(x, matrix(sigmaX, width, 1), product, height, width, width, panel);
    x = product;
  } else x = narrow(x, [0, sigmaX]);
  const out = simd.allocate(bytes * n);
  kernels.storeDoubles(x, out, n, code, scale);
  return out;
}

/** The kinds of numbers that are smoothed, as the SIMD module calls them. */
const KINDS = {
  levels: { code: 0, bytes: 1 },
  float32: { code: 1, bytes: 4 },
  float64: { code: 2, bytes: 8 },
} as const;

export interface Smoothing {
  /** Of the columns and of the rows. */
  readonly sigmas: readonly [number, number];
  readonly truncate: number;
  readonly border: BorderName;
  readonly scale: number;
}

/** Smooths [outer, n, inner] along its middle axis. */
function smoothed(
  values: Float64Array,
  outer: number,
  n: number,
  inner: number,
  sigma: number,
  truncate: number,
  border: BorderName,
): Float64Array {
  const radius = gaussianRadius(sigma, truncate);
  if (radius === 0 || n === 1) return values;
  const out = new Float64Array(values.length);
  if (isWide(radius, n)) {
    const matrix = foldedTaps(sigma, radius, n, border, 0);
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          const weight = matrix[i * n + j];
          const from = (o * n + j) * inner;
          const to = (o * n + i) * inner;
          for (let k = 0; k < inner; k++) out[to + k] += weight * values[from + k];
        }
    return out;
  }
  const taps = gaussianTaps(sigma, radius);
  const at = borderIndices(n, radius, radius, BORDER_OF[border]);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < n; i++) {
      const to = (o * n + i) * inner;
      const centre = taps[0];
      for (let k = 0; k < inner; k++) out[to + k] = centre * values[to + k];
      for (let j = radius; j > 0; j--) {
        const tap = taps[j];
        const below = (o * n + at[i + radius - j]) * inner;
        const above = (o * n + at[i + radius + j]) * inner;
        for (let k = 0; k < inner; k++) out[to + k] += (values[below + k] + values[above + k]) * tap;
      }
    }
  return out;
}

/** n × n numbers each: for the rows and the columns of two sizes of image. */
const KNOWN_MATRICES = 4;

/** The n×n matrix of a kernel wider than the row: what `border` takes from beyond is added where it comes from. */
const foldedTaps = memoized((sigma: number, radius: number, n: number, border: BorderName, transposed: 0 | 1) => {
  const taps = gaussianTaps(sigma, radius);
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = -radius; j <= radius; j++) {
      const from = BORDER_OF[border](i + j, n);
      matrix[transposed ? from * n + i : i * n + from] += taps[Math.abs(j)];
    }
  return matrix;
}, KNOWN_MATRICES);
