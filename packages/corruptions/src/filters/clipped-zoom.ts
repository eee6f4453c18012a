import { memoized } from './memoized';
import { roundHalfEven } from './round-half-even';

/** Linear interpolation of a row: place i is (1 − weight_i) x[low_i] + weight_i x[high_i]. */
export interface ZoomAxis {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float64Array;
}

/**
 * Magnifies the middle of a row of n by z: the ⌈n/z⌉ pixels from ⌊(n − ⌈n/z⌉)/2⌋ on are stretched over round(⌈n/z⌉ z)
 * places, first to first and last to last. `trim` says which of these are kept: the middle n, or all of them.
 */
export const zoomAxis = memoized((n: number, z: number, trim: 'centre' | 'none'): ZoomAxis => {
  const crop = Math.ceil(n / z);
  const top = Math.floor((n - crop) / 2);
  const size = roundHalfEven(crop * z);
  const start = trim === 'centre' ? Math.floor((size - n) / 2) : 0;
  const length = trim === 'centre' ? n : size;
  const step = size === 1 ? 1 : (crop - 1) / (size - 1);
  const at = Float64Array.from({ length }, (_, i) => Math.min((i + start) * step, crop - 1));
  const low = Int32Array.from(at, (x) => Math.floor(x));
  return {
    low: low.map((i) => i + top),
    high: low.map((i) => Math.min(i + 1, crop - 1) + top),
    weight: at.map((x, i) => x - low[i]),
  };
});

/** Bilinear interpolation at rows × columns of an image of `width` pixels and `channels`. */
export function zoomed(
  values: ArrayLike<number>,
  width: number,
  channels: number,
  rows: ZoomAxis,
  columns: ZoomAxis,
): Float64Array {
  const across = columns.low.length;
  const out = new Float64Array(rows.low.length * across * channels);
  let at = 0;
  for (let y = 0; y < rows.low.length; y++) {
    const lowRow = rows.low[y] * width;
    const highRow = rows.high[y] * width;
    const wy = rows.weight[y];
    for (let x = 0; x < across; x++) {
      const low = columns.low[x];
      const high = columns.high[x];
      const wx = columns.weight[x];
      for (let c = 0; c < channels; c++)
        out[at++] =
          values[(lowRow + low) * channels + c] * (1 - wy) * (1 - wx) +
          values[(lowRow + high) * channels + c] * (1 - wy) * wx +
          values[(highRow + low) * channels + c] * wy * (1 - wx) +
          values[(highRow + high) * channels + c] * wy * wx;
    }
  }
  return out;
}
