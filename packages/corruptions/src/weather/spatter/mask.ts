import { float32, type Simd } from '../../backends/simd-module';
import { borderIndices, mirror101 } from '../../filters/border';
import { gaussianFilter, smoothedInMemory } from '../../filters/gaussian-filter';
import type { ImageShape } from '../../images/image';
import type { ParametersOf } from '../../options/severities';
import { chamferDistance } from './distance';
import { cannyEdges } from './edges';

/** Row by row. */
type Kernel3 = readonly [number, number, number, number, number, number, number, number, number];

/** How far from the edge of a drop its shading goes, in pixels. */
const REACH = 20;

/** The kernel that lights drops from the upper left. */
const EMBOSS: Kernel3 = [-2, -1, 0, -1, 1, 1, 0, 1, 2];

const BOX: Kernel3 = [1, 1, 1, 1, 1, 1, 1, 1, 1];

/** How much of each pixel, H×W, the liquid covers; for water in 0..`strength`, for mud in 0..1. In float32, as published. */
export function liquidMask(
  { height, width }: ImageShape,
  [mean, deviation, sigma, threshold, strength, mud]: ParametersOf['spatter'],
  normal: ArrayLike<number>,
): Float32Array {
  const smooth = (values: Float64Array, sigmas: readonly [number, number]) =>
    gaussianFilter({ height, width, channels: 1, values }, sigmas, TRUNCATE, 'edge');
  const values = new Float64Array(height * width);
  for (let i = 0; i < values.length; i++) values[i] = mean + deviation * normal[i];
  const liquid = smooth(values, [sigma, sigma]);
  for (let i = 0; i < liquid.length; i++) if (liquid[i] < threshold) liquid[i] = 0;
  if (!mud) return waterMask(liquid, height, width, strength);
  const covered = liquid.map((s) => (s > threshold ? 1 : 0));
  // Also between the axes.
  const down = Float64Array.from(Float32Array.from(smooth(covered, [strength, 0])));
  return Float32Array.from(smooth(down, [0, strength]), (m) => (Math.fround(m) < MUD_THRESHOLD ? 0 : m));
}

/** As numpy compares it with float32. */
const MUD_THRESHOLD = Math.fround(0.8);

/** `liquidMask` in the memory of the SIMD module, the same numbers: the address of float32. */
export function liquidMaskInMemory(
  simd: Simd,
  { height, width }: ImageShape,
  [mean, deviation, sigma, threshold, strength, mud]: ParametersOf['spatter'],
  normal: ArrayLike<number>,
): number {
  const { kernels } = simd;
  const n = height * width;
  const smooth = (at: number, sigmas: readonly [number, number], kind: 'float32' | 'float64') =>
    smoothedInMemory(
      simd,
      { at, height, width, channels: 1 },
      { sigmas, truncate: TRUNCATE, border: 'edge', scale: 1 },
      kind,
    );
  const noise = simd.allocate(8 * n);
  kernels.weightedNoise(simd.copy(float32(normal)), noise, n, mean, deviation, 1);
  const liquid = smooth(noise, [sigma, sigma], 'float64');
  kernels.cutOff(liquid, n, threshold);
  if (mud) {
    const covered = simd.allocate(4 * n);
    kernels.exceeding(liquid, covered, n, threshold);
    const mask = smooth(smooth(covered, [strength, 0], 'float32'), [0, strength], 'float32');
    kernels.cutOffFloats(mask, n, MUD_THRESHOLD);
    return mask;
  }
  const mask = simd.allocate(4 * n);
  kernels.waterMask(liquid, mask, height, width, strength, simd.allocate(22 * ((height + 4) * (width + 4) + 15)));
  return mask;
}

/** Published: scikit-image cuts the kernel at 4 σ. */
const TRUNCATE = 4;

/** Drops, shaded by the distance from their edges: s d / max(s d) × strength, with the embossed distance d. */
function waterMask(liquid: Float64Array, height: number, width: number, strength: number): Float32Array {
  const levels = new Uint8Array(liquid.length);
  for (let i = 0; i < levels.length; i++) levels[i] = liquid[i] * 255;
  const distance = chamferDistance(cannyEdges(levels, height, width, 50, 150), height, width);
  for (let i = 0; i < distance.length; i++) distance[i] = Math.min(distance[i], REACH);
  const smooth = new Uint8Array(levels.length);
  const sums = filtered(distance, height, width, BOX);
  for (let i = 0; i < smooth.length; i++) smooth[i] = sums[i] / 9;
  const lit = new Float32Array(levels.length);
  const embossed = filtered(equalized(smooth), height, width, EMBOSS);
  for (let i = 0; i < lit.length; i++) lit[i] = Math.min(Math.max(embossed[i], 0), 255);
  const shade = filtered(lit, height, width, BOX);
  const mask = new Float32Array(levels.length);
  let most = 0;
  for (let i = 0; i < mask.length; i++) {
    mask[i] = Math.round(shade[i] / 9) * levels[i];
    if (mask[i] > most) most = mask[i];
  }
  if (most > 0) for (let i = 0; i < mask.length; i++) mask[i] = Math.fround(mask[i] / most) * Math.fround(strength);
  return mask;
}

/** Correlation with a 3×3 kernel, mirrored without repeating the edge. */
function filtered(
  values: Float32Array,
  height: number,
  width: number,
  [a, b, c, d, e, f, g, h, i]: Kernel3,
): Float64Array {
  const out = new Float64Array(values.length);
  const rows = borderIndices(height, 1, 1, mirror101);
  const columns = borderIndices(width, 1, 1, mirror101);
  for (let y = 0, at = 0; y < height; y++) {
    const upper = rows[y] * width;
    const own = y * width;
    const lower = rows[y + 2] * width;
    for (let x = 0; x < width; x++, at++) {
      const left = columns[x];
      const right = columns[x + 2];
      let sum = a * values[upper + left] + b * values[upper + x] + c * values[upper + right];
      sum += d * values[own + left];
      sum += e * values[own + x];
      sum += f * values[own + right];
      sum += g * values[lower + left];
      sum += h * values[lower + x];
      out[at] = sum + i * values[lower + right];
    }
  }
  return out;
}

/** Histogram equalization: the levels spread so that as many pixels lie between any two. A constant grid stays so. */
function equalized(levels: Uint8Array): Float32Array {
  const histogram = new Int32Array(256);
  for (const level of levels) histogram[level]++;
  const first = histogram.findIndex((count) => count > 0);
  const rest = levels.length - histogram[first];
  if (rest === 0) return Float32Array.from(levels);
  const levelOf = new Uint8Array(256);
  const scale = Math.fround(255 / rest);
  for (let level = first + 1, sum = 0; level < 256; level++) {
    sum += histogram[level];
    levelOf[level] = Math.round(Math.fround(sum * scale));
  }
  const out = new Float32Array(levels.length);
  for (let i = 0; i < out.length; i++) out[i] = levelOf[levels[i]];
  return out;
}
