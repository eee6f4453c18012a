import { type Corruption, deterministic, type Image, type NoFields, truncated } from '../corruption';
import type { Simd } from '../simd-module';
import { edge } from './border';
import { fitsInMemory, gaussianFilter, gaussianRadius, smoothedInMemory } from './gaussian-filter';

/** Published: scikit-image cuts the kernel at 4 σ. */
const TRUNCATE = 4;

const UNIT = Float64Array.from({ length: 256 }, (_, level) => level / 255);

/** The levels, clipped and truncated, of an image smoothed by a Gaussian of int(4 σ + ½) pixels' radius, edges repeated. */
export function blurredLevels(image: Image, sigma: number): Uint8Array {
  const values = Float64Array.from(image.levels, (level) => level / 255);
  const blurred = gaussianFilter({ ...image, values }, [sigma, sigma], TRUNCATE, edge);
  return Uint8Array.from(blurred, (v) => truncated(v * 255));
}

/** `blurredLevels` by SIMD. */
export function blurredLevelsBySimd(simd: Simd, image: Image, sigma: number): Uint8Array {
  const { levels, height, width } = image;
  const radius = gaussianRadius(sigma, TRUNCATE);
  if (!fitsInMemory(height, width, [radius, radius])) return blurredLevels(image, sigma);
  simd.reset();
  const out = simd.allocate(levels.length);
  const blurred = smoothedInMemory(simd, image, [sigma, sigma], TRUNCATE, edge, (values) => {
    for (let i = 0; i < levels.length; i++) values[i] = UNIT[levels[i]!]!;
  });
  simd.kernels.levelsOfDoubles(blurred, out, levels.length);
  return simd.bytes(out, levels.length);
}

/** out = clip(G_σ v) */
export const gaussianBlur: Corruption<number, NoFields> = {
  ...deterministic,
  apply: blurredLevels,
  simd: blurredLevelsBySimd,
};
