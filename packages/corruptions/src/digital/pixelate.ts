import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { run } from '../backends/webgpu-program';
import { type Corruption, deterministic, type NoFields } from '../corruption';
import { number } from '../fields/field-rules';
import { memoized } from '../filters/memoized';

/** For each of `to` places along a row of `from` pixels: the first pixel that it averages, and how many. */
export interface BoxSpans {
  readonly first: Int32Array;
  readonly count: Int32Array;
}

/**
 * The pixels that Pillow's BOX filter averages, with equal weights, when it resizes a row of `from` pixels to `to`: with
 * the scale s = from / to and S = max(s, 1) those whose centre, seen from (i + ½) s, lies in (−S/2, S/2].
 */
export const boxSpans = memoized((from: number, to: number): BoxSpans => {
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const inside = (x: number) => {
      const distance = (x - centre + 0.5) * (1 / filterScale);
      return distance > -0.5 && distance <= 0.5;
    };
    let low = Math.max(Math.trunc(centre - filterScale / 2 + 0.5), 0);
    let high = Math.min(Math.trunc(centre + filterScale / 2 + 0.5), from);
    while (low < high && !inside(low)) low++;
    while (low < high && !inside(high - 1)) high--;
    first[i] = low;
    count[i] = high - low;
  }
  return { first, count };
});

/** The pixel that each of `to` places shows when a row of `from` is enlarged: Pillow's BOX, or its NEAREST. */
export function enlargedFrom(from: number, to: number, filter: 'box' | 'nearest'): Int32Array {
  if (filter === 'box') return boxSpans(from, to).first;
  const at = new Int32Array(to);
  // Pillow adds the step up place by place, so that an exact tie falls to the lower pixel.
  for (let i = 0, x = 0.5 * (from / to); i < to; i++, x += from / to) at[i] = Math.min(Math.trunc(x), from - 1);
  return at;
}

/** A mean of count pixels in 22-bit fixed point, as Pillow rounds it. */
const FIXED_POINT_BITS = 22;

/** Averages along one axis of [outer, length, inner] levels. */
function averaged(levels: Uint8Array, outer: number, length: number, inner: number, spans: BoxSpans): Uint8Array {
  const to = spans.first.length;
  const out = new Uint8Array(outer * to * inner);
  for (let i = 0; i < to; i++) {
    const first = spans.first[i];
    const count = spans.count[i];
    const weight = Math.trunc(0.5 + 2 ** FIXED_POINT_BITS / count);
    for (let o = 0; o < outer; o++)
      for (let k = 0; k < inner; k++) {
        const from = (o * length + first) * inner + k;
        let sum = 0;
        for (let j = 0; j < count; j++) sum += levels[from + j * inner];
        out[(o * to + i) * inner + k] = (sum * weight + 2 ** (FIXED_POINT_BITS - 1)) >> FIXED_POINT_BITS;
      }
  }
  return out;
}

/** The side of the small image: int(n c), and at least one pixel. */
export const smallSide = (n: number, c: number) => Math.max(Math.trunc(n * c), 1);

/**
 * Shrinks the image to int(H c) × int(W c) by averaging, first along rows, then along columns, each rounded to 8 bits,
 * and enlarges it again by repeating pixels.
 */
export const pixelate: Corruption<number, NoFields> = {
  ...deterministic,
  parameterRules: { c: number(0.001, 1) },
  apply({ levels, height, width, channels }, c, _fields, { dialect }) {
    const h = smallSide(height, c);
    const w = smallSide(width, c);
    const narrow = averaged(levels, height, width, channels, boxSpans(width, w));
    const small = averaged(narrow, 1, height, w * channels, boxSpans(height, h));
    const filter = dialect === 'imagecorruptions' ? 'nearest' : 'box';
    const rows = enlargedFrom(h, height, filter);
    const columns = enlargedFrom(w, width, filter);
    const out = new Uint8Array(levels.length);
    let at = 0;
    for (const y of rows)
      for (const x of columns) for (let k = 0; k < channels; k++) out[at++] = small[(y * w + x) * channels + k];
    return out;
  },
  simd(simd, { at, height, width, channels }, c, _fields, { dialect }) {
    const h = smallSide(height, c);
    const w = smallSide(width, c);
    const { kernels } = simd;
    const narrow = simd.allocate(height * w * channels);
    const small = simd.allocate(h * w * channels);
    const [across, down] = [boxSpans(width, w), boxSpans(height, h)];
    kernels.averagedRows(at, narrow, height, width, channels, simd.copy(across.first), simd.copy(across.count), w);
    kernels.averagedColumns(narrow, small, w * channels, simd.copy(down.first), simd.copy(down.count), h);
    const filter = dialect === 'imagecorruptions' ? 'nearest' : 'box';
    const rows = simd.copy(enlargedFrom(h, height, filter));
    const columns = simd.copy(enlargedFrom(w, width, filter));
    kernels.enlarged(small, at, rows, height, columns, width, w, channels);
    return at;
  },
  onDevice(images, c, _fields, { dialect }) {
    const [count, height, width, channels] = images.shape;
    const h = smallSide(height, c);
    const w = smallSide(width, c);
    const narrow = averagedOnDevice(images, [count * height, width, channels], boxSpans(width, w));
    const small = averagedOnDevice(narrow, [count, height, w * channels], boxSpans(height, h));
    const filter = dialect === 'imagecorruptions' ? 'nearest' : 'box';
    return run({
      key: 'enlarge',
      inputs: { small, rows: enlargedFrom(h, height, filter), columns: enlargedFrom(w, width, filter) },
      integers: { height, width, channels, h, w },
      shape: images.shape,
      code: `
        fn main(index : i32) {
          if (index < uniforms.size) {
            let pixel = index / uniforms.channels;
            let image = pixel / (uniforms.height * uniforms.width);
            let row = image * uniforms.h + rows[pixel / uniforms.width % uniforms.height];
            let first = (row * uniforms.w + columns[pixel % uniforms.width]) * uniforms.channels;
            result[index] = small[first + index % uniforms.channels];
          }
        }`,
    }) as Tensor4D;
  },
};

/** `averaged` on the device, for [outer, length, inner] levels. */
function averagedOnDevice(
  levels: Tensor,
  [outer, length, inner]: readonly [number, number, number],
  { first, count }: BoxSpans,
): Tensor {
  const to = first.length;
  return run({
    key: 'average',
    inputs: { levels, first, count },
    integers: { length, inner, to },
    shape: [outer, to, inner],
    code: `
      fn main(index : i32) {
        if (index < uniforms.size) {
          let place = index / uniforms.inner % uniforms.to;
          let outer = index / uniforms.inner / uniforms.to;
          let n = count[place];
          var at = (outer * uniforms.length + first[place]) * uniforms.inner + index % uniforms.inner;
          var sum = 0;
          for (var i = 0; i < n; i = i + 1) {
            sum = sum + levels[at];
            at = at + uniforms.inner;
          }
          // int(0.5 + 2^22 / n), in integers.
          let weight = (${2 ** FIXED_POINT_BITS * 2} + n) / (2 * n);
          result[index] = (sum * weight + ${2 ** (FIXED_POINT_BITS - 1)}) >> ${FIXED_POINT_BITS}u;
        }
      }`,
  });
}
