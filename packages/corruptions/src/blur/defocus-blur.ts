import type { Simd } from '../backends/simd-module';
import { TIE } from '../backends/webgpu-program';
import { type Corruption, deterministic, type NoFields } from '../corruption';
import { number } from '../fields/field-rules';
import { borderIndices, mirror101 } from '../filters/border';
import { borderedInMemory, correlatedInMemory, correlatedOnDevice, type Taps } from '../filters/correlate';
import { memoized } from '../filters/memoized';
import { type SimdImage, truncated } from '../images/image';

/** A square of (2 reach + 1)² weights. */
export interface DiskKernel {
  readonly reach: number;
  readonly weights: Float32Array;
}

/** The Gaussian that smooths the disk: its taps at the centre and at each distance from it. */
function aliasTaps(radius: number, aliasSigma: number): Float32Array {
  const gauss = Array.from({ length: radius <= 8 ? 2 : 3 }, (_, i) =>
    Math.exp((-i * i) / (2 * aliasSigma * aliasSigma)),
  );
  const mass = gauss.reduce((total, g, i) => total + (i === 0 ? g : 2 * g), 0);
  return Float32Array.from(gauss, (g) => g / mass);
}

/**
 * The disk x² + y² <= r² on the grid −reach..reach (8, or r where that is more), divided by its sum and smoothed by a
 * Gaussian of 3 taps (5 for r > 8) mirrored at the edge of the grid, in float32 throughout. The mirror adds mass where
 * the disk touches the edge: at r = 8 and r = 10 the weights sum to 1.013 and 1.011, and are left so.
 */
export function diskKernel(radius: number, aliasSigma: number): DiskKernel {
  const reach = radius <= 8 ? 8 : Math.ceil(radius);
  const side = 2 * reach + 1;
  const disk = new Float32Array(side * side);
  let sum = 0;
  for (let y = -reach; y <= reach; y++)
    for (let x = -reach; x <= reach; x++)
      if (x * x + y * y <= radius * radius) sum += disk[(y + reach) * side + x + reach] = 1;
  for (let i = 0; i < disk.length; i++) disk[i] /= sum;

  const taps = aliasTaps(radius, aliasSigma);
  const half = taps.length - 1;
  const smoothed = (source: Float32Array, stride: number, across: number) => {
    const out = new Float32Array(source.length);
    const at = borderIndices(side, half, half, mirror101);
    for (let line = 0; line < side; line++)
      for (let i = 0; i < side; i++) {
        const value = (j: number) => source[line * across + at[i + j + half] * stride];
        let total = Math.fround(taps[0] * value(0));
        for (let j = 1; j <= half; j++)
          total = Math.fround(total + Math.fround(taps[j] * Math.fround(value(-j) + value(j))));
        out[line * across + i * stride] = total;
      }
    return out;
  };
  return { reach, weights: smoothed(smoothed(disk, 1, side), side, 1) };
}

/** out = clip(v correlated with `diskKernel`), borders mirrored without repeating the edge. */
export const defocusBlur: Corruption<readonly [radius: number, aliasSigma: number], NoFields> = {
  ...deterministic,
  parameterRules: { radius: number(0, 256), aliasSigma: number(0.001, 1000) },
  apply({ levels, height, width, channels }, [radius, aliasSigma]) {
    const { weights, dx, dy } = diskTaps(radius, aliasSigma).kernel;
    const reach = dy[dy.length - 1];
    const rows = borderIndices(height, reach, reach, mirror101);
    const columns = borderIndices(width, reach, reach, mirror101);
    const padded = new Float64Array(rows.length * columns.length * channels);
    let at = 0;
    for (let y = 0; y < rows.length; y++)
      for (let x = 0; x < columns.length; x++)
        for (let c = 0; c < channels; c++) padded[at++] = levels[(rows[y] * width + columns[x]) * channels + c];

    const stride = columns.length * channels;
    const blurred = new Float64Array(levels.length);
    for (let k = 0; k < weights.length; k++) {
      const weight = weights[k];
      const shift = (dy[k] + reach) * stride + (dx[k] + reach) * channels;
      for (let y = 0; y < height; y++) {
        const from = shift + y * stride;
        const to = y * width * channels;
        for (let i = 0; i < width * channels; i++) blurred[to + i] += weight * padded[from + i];
      }
    }
    const out = new Uint8Array(levels.length);
    for (let i = 0; i < out.length; i++) out[i] = truncated(blurred[i]);
    return out;
  },
  simd: (simd, image, [radius, aliasSigma]) => diskBlurred(simd, image, smoothedDisk(radius, aliasSigma)),
  onDevice(images, [radius, aliasSigma]) {
    const { kernel, sum } = diskTaps(radius, aliasSigma);
    // A constant area times the sum falls on the side of a level where the sum says, as it does in float64.
    return correlatedOnDevice(images, [kernel], 'mirror101', { bias: sum < 1 ? -TIE : TIE });
  },
};

/** The least weight that can move a float64 sum of levels. */
const NOTHING = 1e-18;

/** The weights that count, with their places. */
const diskTaps = memoized((radius: number, aliasSigma: number) => {
  const { reach, weights } = diskKernel(radius, aliasSigma);
  const side = 2 * reach + 1;
  const taps = Array.from(weights.keys()).filter((k) => weights[k] > NOTHING);
  return {
    sum: weights.reduce((total, weight) => total + weight, 0),
    kernel: {
      weights: Float64Array.from(taps, (k) => weights[k]),
      dx: Int32Array.from(taps, (k) => (k % side) - reach),
      dy: Int32Array.from(taps, (k) => Math.floor(k / side) - reach),
    },
  };
});

/** `diskKernel` as scale × (a disk of ones, smoothed as if its grid had no edge), plus what the edge makes different. */
interface SmoothedDisk {
  /** How far each column of the disk reaches up and down, from the leftmost to the rightmost. */
  readonly reaches: readonly number[];
  readonly taps: Float64Array;
  readonly scale: number;
  /** Where the mirror at the edge changes the kernel, if it does. */
  readonly edge: Taps;
}

/** A rounding of float32, in parts of the largest weight. */
const ROUNDING = 2 ** -22;

const smoothedDisk = memoized((radius: number, aliasSigma: number): SmoothedDisk => {
  const taps = Float64Array.from(aliasTaps(radius, aliasSigma));
  const half = taps.length - 1;
  const { reach, weights } = diskKernel(radius, aliasSigma);
  const side = 2 * reach + 1;
  const inside = (y: number, x: number) => (x * x + y * y <= radius * radius ? 1 : 0);
  const tap = (i: number) => taps[Math.abs(i)];
  const most = weights.reduce((largest, weight) => Math.max(largest, weight));
  let area = 0;
  for (let y = -reach; y <= reach; y++) for (let x = -reach; x <= reach; x++) area += inside(y, x);
  let sum = 0;
  const edge = { weights: [] as number[], dx: [] as number[], dy: [] as number[] };
  for (let y = -reach - half; y <= reach + half; y++)
    for (let x = -reach - half; x <= reach + half; x++) {
      let smoothed = 0;
      for (let i = -half; i <= half; i++)
        for (let j = -half; j <= half; j++) smoothed += tap(i) * tap(j) * inside(y - i, x - j);
      const onGrid = Math.abs(y) <= reach && Math.abs(x) <= reach;
      const weight = onGrid ? weights[(y + reach) * side + x + reach] : 0;
      const more = weight - smoothed / area;
      sum += weight;
      if (Math.abs(more) <= ROUNDING * most) continue;
      edge.weights.push(more);
      edge.dx.push(x);
      edge.dy.push(y);
      sum -= more;
    }
  const total = taps.reduce((all, own, i) => all + (i === 0 ? own : 2 * own), 0);
  const columns = 2 * Math.floor(radius) + 1;
  return {
    reaches: Array.from({ length: columns }, (_, i) => {
      let y = 0;
      while (inside(y + 1, i - Math.floor(radius))) y++;
      return y;
    }),
    taps,
    // The weights have the sum of `diskKernel`, which decides how a constant area is truncated.
    scale: sum / (area * total * total),
    edge: { weights: Float64Array.from(edge.weights), dx: Int32Array.from(edge.dx), dy: Int32Array.from(edge.dy) },
  };
});

/** The levels of an image smoothed by a disk, in float64, in a time that grows with its radius and not its area. */
function diskBlurred(simd: Simd, image: SimdImage, { reaches, taps, scale, edge }: SmoothedDisk): number {
  const { at, height, width, channels } = image;
  const radius = (reaches.length - 1) / 2;
  const half = taps.length - 1;
  const border = radius + half;
  const stride = (width + 2 * border) * channels;
  const x = borderedInMemory(simd, image, [border, border, border, border], mirror101);
  const extra = edge.weights.length > 0 ? correlatedInMemory(simd, image, edge, mirror101, 'float32') : 0;
  const room = (width + 2 * half) * channels + 16;
  simd.kernels.diskBlurred(
    x,
    at,
    height,
    width,
    channels,
    stride,
    radius,
    simd.copy(Int32Array.from(reaches, (reach) => reach * stride)),
    simd.copy(Int32Array.from(reaches, (reach) => (reach + 1) * stride)),
    half,
    simd.copy(taps),
    scale,
    extra,
    simd.allocate(4 * room * (2 * half + 1)),
    simd.allocate(8 * room),
  );
  return at;
}
