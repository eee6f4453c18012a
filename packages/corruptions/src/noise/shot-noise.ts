// @ts-nocheck
import { type Corruption, truncated } from '../corruption';

/**
 * The photon counts of an image, H×W×C: given as they are, or as uniforms u in [0, 1), from which count k follows as the
 * smallest with u < P(K <= k). `drawFields` gives uniforms, because counts depend on the image.
 */
export type ShotField = { readonly counts: ArrayLike<number> } | { readonly uniform: ArrayLike<number> };

/** out = clip(K / c), K Poisson with the mean c v, independent for every value. Black stays black. */
export const shotNoise: Corruption<number, ShotField> = {
  draw: ({ height, width, channels }, _c, stream) => ({ uniform: stream.uniforms(height * width * channels) }),
  fieldSizes: ({ height, width, channels }, _c, fields) => ({
    ['counts' in fields ? 'counts' : 'uniform']: height * width * channels,
  }),
  apply({ levels }, c, fields) {
    const out = new Uint8Array(levels.length);
    if ('counts' in fields) {
      for (let i = 0; i < out.length; i++) out[i] = truncated((fields.counts[i]! / c) * 255);
      return out;
    }
    const { uniform } = fields;
    const levelOf = Uint8Array.from({ length: c + 1 }, (_, count) => truncated((count / c) * 255));
    const quantiles = Array.from({ length: 256 }, (_, level) => poissonQuantiles((c * level) / 255));
    for (let i = 0; i < out.length; i++) {
      const { cumulative, guide } = quantiles[levels[i]!]!;
      const u = uniform[i]!;
      let count = guide[(u * GUIDES) | 0]!;
      while (u >= cumulative[count]!) count++;
      out[i] = count < levelOf.length ? levelOf[count]! : 255;
    }
    return out;
  },
};

const GUIDES = 64;

/** P(K <= k) for k = 0, 1, … until it is 1 to float64, and where the search of u in [g, g + 1) / GUIDES may start. */
function poissonQuantiles(mean: number): { cumulative: Float64Array; guide: Uint16Array } {
  const last = Math.ceil(mean + 8 * Math.sqrt(mean) + 20);
  const cumulative = new Float64Array(last + 1);
  // Backward and forward from the mode, which a product from exp(-mean) on would lose for large means.
  const mode = Math.floor(mean);
  cumulative[mode] = 1;
  for (let k = mode; k > 0; k--) cumulative[k - 1] = (cumulative[k]! * k) / mean;
  for (let k = mode; k < last; k++) cumulative[k + 1] = (cumulative[k]! * mean) / (k + 1);
  for (let k = 1; k <= last; k++) cumulative[k]! += cumulative[k - 1]!;
  const total = cumulative[last]!;
  for (let k = 0; k < last; k++) cumulative[k]! /= total;
  cumulative[last] = Number.POSITIVE_INFINITY;
  const guide = new Uint16Array(GUIDES + 1);
  for (let g = 0, k = 0; g <= GUIDES; g++) {
    while (g / GUIDES >= cumulative[k]!) k++;
    guide[g] = k;
  }
  return { cumulative, guide };
}
