import { borderIndices, edge, mirror101 } from '../../blur/border';
import { gaussianFilter } from '../../blur/gaussian-filter';
import type { ImageShape } from '../../corruption';
import type { ParametersOf } from '../../severities';
import { chamferDistance } from './distance';
import { cannyEdges } from './edges';

/** How far from the edge of a drop its shading goes, in pixels. */
const REACH = 20;

/** The kernel that lights drops from the upper left. */
const EMBOSS = [-2, -1, 0, -1, 1, 1, 0, 1, 2];

const BOX = [1, 1, 1, 1, 1, 1, 1, 1, 1];

/** How much of each pixel, H×W, the liquid covers; for water in 0..`strength`, for mud in 0..1. */
export function liquidMask(
  { height, width }: ImageShape,
  [mean, deviation, sigma, threshold, strength, mud]: ParametersOf['spatter'],
  normal: ArrayLike<number>,
): Float64Array {
  const values = Float64Array.from(normal, (n) => mean + deviation * n);
  const grid = { height, width, channels: 1 };
  const liquid = gaussianFilter({ ...grid, values }, [sigma, sigma], 4, edge).map((s) => (s < threshold ? 0 : s));
  if (!mud) return waterMask(liquid, height, width, strength);
  const covered = liquid.map((s) => (s > threshold ? 1 : 0));
  return gaussianFilter({ ...grid, values: covered }, [strength, strength], 4, edge).map((m) => (m < 0.8 ? 0 : m));
}

/** Drops, shaded by the distance from their edges: s d / max(s d) × strength, with the embossed distance d. */
function waterMask(liquid: Float64Array, height: number, width: number, strength: number): Float64Array {
  const levels = Uint8Array.from(liquid, (s) => Math.trunc(s * 255));
  const distance = chamferDistance(cannyEdges(levels, height, width, 50, 150), height, width);
  const capped = distance.map((d) => Math.min(d, REACH));
  const smooth = Uint8Array.from(filtered(capped, height, width, BOX), (sum) => Math.trunc(sum / 9));
  const equal = equalized(smooth);
  const lit = Uint8Array.from(filtered(equal, height, width, EMBOSS), (sum) => Math.min(Math.max(sum, 0), 255));
  const shade = filtered(lit, height, width, BOX).map((sum) => Math.round(sum / 9));
  const mask = shade.map((d, i) => d * levels[i]!);
  const most = mask.reduce((largest, m) => Math.max(largest, m), 0);
  return most === 0 ? mask : mask.map((m) => (m / most) * strength);
}

/** Correlation with a 3×3 kernel, mirrored without repeating the edge. */
function filtered(values: ArrayLike<number>, height: number, width: number, kernel: readonly number[]): Float64Array {
  const out = new Float64Array(values.length);
  const rows = borderIndices(height, 1, 1, mirror101);
  const columns = borderIndices(width, 1, 1, mirror101);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      let sum = 0;
      for (let k = 0; k < 9; k++) {
        const row = Math.trunc(k / 3);
        sum += kernel[k]! * values[rows[y + row]! * width + columns[x + k - 3 * row]!]!;
      }
      out[at] = sum;
    }
  return out;
}

/** Histogram equalization: the levels spread so that as many pixels lie between any two. A constant grid stays so. */
function equalized(levels: Uint8Array): Uint8Array {
  const histogram = new Int32Array(256);
  for (const level of levels) histogram[level]!++;
  const first = histogram.findIndex((count) => count > 0);
  const rest = levels.length - histogram[first]!;
  if (rest === 0) return levels;
  const levelOf = new Uint8Array(256);
  const scale = Math.fround(255 / rest);
  for (let level = first + 1, sum = 0; level < 256; level++) {
    sum += histogram[level]!;
    levelOf[level] = Math.round(Math.fround(sum * scale));
  }
  return levels.map((level) => levelOf[level]!);
}
