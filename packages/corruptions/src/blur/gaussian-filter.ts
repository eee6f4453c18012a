import type { Simd } from '../simd-module';
import { type Border, borderIndices } from './border';

/** The taps exp(−i²/2σ²), i = 0..radius, of a symmetric kernel, divided by the sum of all 2 radius + 1. */
export function gaussianTaps(sigma: number, radius: number): Float64Array {
  const taps = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp((-0.5 / (sigma * sigma)) * i * i));
  const sum = taps.reduce((total, tap, i) => total + (i === 0 ? tap : 2 * tap), 0);
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
  border: Border,
): Float64Array {
  const rowSize = width * channels;
  const vertical = smoothed(values, 1, height, rowSize, sigmaY, truncate, border);
  return smoothed(vertical, height, width, channels, sigmaX, truncate, border);
}

/** True where `smoothedInMemory` does what `gaussianFilter` does: kernels no wider than the grid. */
export const fitsInMemory = (height: number, width: number, radii: readonly [number, number]) =>
  radii[0] * 2 < height && radii[1] * 2 < width;

export const gaussianRadius = (sigma: number, truncate: number) => Math.trunc(truncate * sigma + 0.5);

/**
 * `gaussianFilter` by SIMD, the same numbers bit for bit; the address of height × width × channels float64. `write` puts
 * the grid at the address that it is given, and may write a few elements more.
 */
export function smoothedInMemory(
  simd: Simd,
  { height, width, channels }: Omit<Grid, 'values'>,
  [sigmaY, sigmaX]: readonly [number, number],
  truncate: number,
  border: Border,
  write: (address: number) => void,
): number {
  const [radiusY, radiusX] = [gaussianRadius(sigmaY, truncate), gaussianRadius(sigmaX, truncate)];
  const rowSize = width * channels;
  const rows = borderIndices(height, radiusY, radiusY, border);
  const out = simd.allocate(8 * height * rowSize);
  const tapsY = simd.copy(radiusY === 0 ? Float64Array.of(1) : gaussianTaps(sigmaY, radiusY));
  const tapsX = simd.copy(radiusX === 0 ? Float64Array.of(1) : gaussianTaps(sigmaX, radiusX));
  const columns = simd.copy(borderIndices(width, radiusX, radiusX, border));
  const row = simd.allocate(8 * (width + 2 * radiusX) * channels);
  const x = simd.allocate(8 * rows.length * rowSize);
  write(x + 8 * radiusY * rowSize);
  const values = simd.doubles(x, rows.length * rowSize);
  for (const [i, from] of rows.entries())
    if (from !== i - radiusY)
      values.copyWithin(i * rowSize, (from + radiusY) * rowSize, (from + radiusY + 1) * rowSize);
  simd.kernels.smoothed(x, out, height, width, channels, tapsY, radiusY, tapsX, radiusX, columns, row);
  return out;
}

/** Smooths [outer, n, inner] along its middle axis. */
function smoothed(
  values: Float64Array,
  outer: number,
  n: number,
  inner: number,
  sigma: number,
  truncate: number,
  border: Border,
): Float64Array {
  const radius = gaussianRadius(sigma, truncate);
  if (radius === 0 || n === 1) return values;
  const taps = gaussianTaps(sigma, radius);
  const out = new Float64Array(values.length);
  if (2 * radius + 1 > n) {
    const matrix = foldedTaps(taps, n, border);
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          const weight = matrix[i * n + j]!;
          const from = (o * n + j) * inner;
          const to = (o * n + i) * inner;
          for (let k = 0; k < inner; k++) out[to + k]! += weight * values[from + k]!;
        }
    return out;
  }
  const at = borderIndices(n, radius, radius, border);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < n; i++) {
      const to = (o * n + i) * inner;
      const centre = taps[0]!;
      for (let k = 0; k < inner; k++) out[to + k] = centre * values[to + k]!;
      for (let j = radius; j > 0; j--) {
        const tap = taps[j]!;
        const below = (o * n + at[i + radius - j]!) * inner;
        const above = (o * n + at[i + radius + j]!) * inner;
        for (let k = 0; k < inner; k++) out[to + k]! += (values[below + k]! + values[above + k]!) * tap;
      }
    }
  return out;
}

/** The n×n matrix of a kernel wider than the row: what `border` takes from beyond is added where it comes from. */
function foldedTaps(taps: Float64Array, n: number, border: Border): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 1 - taps.length; j < taps.length; j++) matrix[i * n + border(i + j, n)]! += taps[Math.abs(j)]!;
  return matrix;
}
