import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Simd } from '../backends/simd-module';
import { joined, joinedIntegers, map, PLACE, TRUNCATED } from '../backends/webgpu-program';
import type { SimdImage } from '../images/image';
import { BORDERS, type Border, borderIndices } from './border';

/** The taps of a kernel: weight k_i at (y + dy_i, x + dx_i). */
export interface Taps {
  readonly weights: Float64Array;
  readonly dx: Int32Array;
  readonly dy: Int32Array;
}

/** Σ_i k_i x(y + dy_i, x + dx_i), edges repeated. */
export function correlated(
  values: ArrayLike<number>,
  height: number,
  width: number,
  channels: number,
  { weights, dx, dy }: Taps,
): Float64Array {
  const out = new Float64Array(height * width * channels);
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i];
    const shift = dx[i];
    for (let y = 0; y < height; y++) {
      const row = Math.min(Math.max(y + dy[i], 0), height - 1) * width;
      for (let x = 0; x < width; x++) {
        const from = (row + Math.min(Math.max(x + shift, 0), width - 1)) * channels;
        const to = (y * width + x) * channels;
        for (let c = 0; c < channels; c++) out[to + c] += weight * values[from + c];
      }
    }
  }
  return out;
}

/**
 * `correlated` in the memory of the SIMD module, beyond the image as `border` says, in float32 as levels rounded like
 * ImageMagick's or as they are, or in float64 as levels truncated. The address of the result.
 */
export function correlatedInMemory(
  simd: Simd,
  image: SimdImage,
  { weights, dx, dy }: Taps,
  border: Border,
  kind: 'quantum' | 'float32' | 'truncated',
): number {
  const { height, width, channels } = image;
  const [left, right] = [-Math.min(0, ...dx), Math.max(0, ...dx)];
  const [top, bottom] = [-Math.min(0, ...dy), Math.max(0, ...dy)];
  const levels = borderedInMemory(simd, image, [top, bottom, left, right], border);
  const rowSize = width * channels;
  const stride = (left + width + right) * channels;
  const n = (top + height + bottom) * stride;
  const x = simd.allocate(4 * n);
  const out = simd.allocate(height * rowSize * (kind === 'float32' ? 4 : 1));
  const { kernels } = simd;
  kernels.floatsOfLevels(levels, x, n);
  const offsets = simd.copy(dx.map((shift, i) => (dy[i] + top) * stride + (shift + left) * channels));
  const { length } = weights;
  if (kind === 'truncated')
    kernels.correlatedInDoubles(x, out, height, rowSize, stride, simd.copy(weights), offsets, length);
  else {
    const w = simd.copy(Float32Array.from(weights));
    kernels.correlatedInFloats(x, out, height, rowSize, stride, w, offsets, length, kind === 'quantum');
  }
  return out;
}

/** The levels of an image and of what lies beyond it, so many pixels at the top, the bottom, the left and the right. */
export function borderedInMemory(
  simd: Simd,
  { at, height, width, channels }: SimdImage,
  [top, bottom, left, right]: readonly [number, number, number, number],
  border: Border,
): number {
  const rows = borderIndices(height, top, bottom, border);
  const columns = borderIndices(width, left, right, border);
  const out = simd.allocate(rows.length * columns.length * channels);
  const [atRows, atColumns] = [simd.copy(rows), simd.copy(columns)];
  simd.kernels.bordered(at, out, atRows, rows.length, atColumns, left, width, right, channels);
  return out;
}

/** `correlated` on the device, as levels: one kernel for each image, or one for all. */
export function correlatedOnDevice(
  images: Tensor4D,
  kernels: readonly Taps[],
  border: keyof typeof BORDERS,
  { quantum = false, bias = 0 }: { readonly quantum?: boolean; readonly bias?: number },
): Tensor4D {
  const starts = Int32Array.from(kernels, (_, i) => kernels.slice(0, i).reduce((n, { dx }) => n + dx.length, 0));
  return map(images, {
    key: `ray_${border}_${quantum}`,
    inputs: {
      weights: joined(kernels.map(({ weights }) => weights)),
      dx: joinedIntegers(kernels.map(({ dx }) => dx)),
      dy: joinedIntegers(kernels.map(({ dy }) => dy)),
      starts,
      counts: Int32Array.from(kernels, ({ dx }) => dx.length),
    },
    integers: { kernels: kernels.length },
    floats: { bias },
    code: `${PLACE}${TRUNCATED}${BORDERS[border]}
      fn main(index : i32) {
        if (index < uniforms.size) {
          let p = place(index);
          let kernel = min(p.image, uniforms.kernels - 1);
          let start = starts[kernel];
          var sum = uniforms.bias;
          for (var i = start; i < start + counts[kernel]; i = i + 1) {
            let y = border(p.y + dy[i], uniforms.height);
            let x = border(p.x + dx[i], uniforms.width);
            sum = sum + weights[i] * f32(levels[at(p.image, y, x, p.channel)]);
          }
          ${
            quantum
              ? `let quantum = i32(sum * 257.0 + 0.5) + 128;
                 result[index] = (quantum - (quantum >> 8u)) >> 8u;`
              : 'result[index] = truncated(sum);'
          }
        }
      }`,
  });
}
