import { type Corruption, deterministic, type Image, type NoFields, truncated } from '../corruption';
import { edge } from './border';
import { gaussianFilter } from './gaussian-filter';

/** The levels, clipped and truncated, of an image smoothed by a Gaussian of int(4 σ + ½) pixels' radius, edges repeated. */
export function blurredLevels(image: Image, sigma: number): Uint8Array {
  const values = Float64Array.from(image.levels, (level) => level / 255);
  const blurred = gaussianFilter({ ...image, values }, [sigma, sigma], 4, edge);
  return Uint8Array.from(blurred, (v) => truncated(v * 255));
}

/** out = clip(G_σ v) */
export const gaussianBlur: Corruption<number, NoFields> = {
  ...deterministic,
  apply: blurredLevels,
};
