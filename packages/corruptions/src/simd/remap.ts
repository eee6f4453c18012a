// AssemblyScript. Bilinear interpolation of pixels of four f32.
import { storeLevels } from './convert';

/** dcb|abcd|cba */
// @ts-ignore: decorator
@inline
function mirror101(i: i32, n: i32): usize {
  if (<u32>i < <u32>n) return i;
  if (n == 1) return 0;
  const period = 2 * (n - 1);
  const k = ((i % period) + period) % period;
  return k < n ? k : period - k;
}

/** cba|abcd|dcb */
// @ts-ignore: decorator
@inline
function symmetric(i: i32, n: i32): usize {
  if (<u32>i < <u32>n) return i;
  const period = 2 * n;
  const k = ((i % period) + period) % period;
  return k < n ? k : period - 1 - k;
}

/**
 * out = the image at (x, y) / 32, in the order of ../digital/affine.ts, where x of a pixel is (a number of its row + a number
 * of its column) >> 5, and so is y; `rows` and `columns` hold the two numbers, for x and for y, side by side (i32).
 */
export function warped(image: usize, out: usize, height: i32, width: i32, rows: usize, columns: usize): void {
  const ones = f32x4.splat(1);
  const lastRow = rows + (<usize>height << 3);
  const lastColumn = columns + (<usize>width << 3);
  for (; rows < lastRow; rows += 8) {
    const x0 = load<i32>(rows);
    const y0 = load<i32>(rows, 4);
    for (let column = columns; column < lastColumn; column += 8) {
      const x = (x0 + load<i32>(column)) >> 5;
      const y = (y0 + load<i32>(column, 4)) >> 5;
      const wx = f32x4.splat(<f32>(x & 31) * 0.03125);
      const wy = f32x4.splat(<f32>(y & 31) * 0.03125);
      const left = mirror101(x >> 5, width) << 4;
      const right = mirror101((x >> 5) + 1, width) << 4;
      const upper = image + ((mirror101(y >> 5, height) * width) << 4);
      const lower = image + ((mirror101((y >> 5) + 1, height) * width) << 4);
      const ux = f32x4.sub(ones, wx);
      const uy = f32x4.sub(ones, wy);
      let sum = f32x4.mul(v128.load(upper + left), f32x4.mul(uy, ux));
      sum = f32x4.add(sum, f32x4.mul(v128.load(upper + right), f32x4.mul(uy, wx)));
      sum = f32x4.add(sum, f32x4.mul(v128.load(lower + left), f32x4.mul(wy, ux)));
      sum = f32x4.add(sum, f32x4.mul(v128.load(lower + right), f32x4.mul(wy, wx)));
      v128.store(out, sum);
      out += 16;
    }
  }
}

/** Two of the four f32 from `at` on, as f64. */
// @ts-ignore: decorator
@inline
function pair(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

/** Bilinear interpolation of two channels, from the addresses of four pixels, in f64, rounded to f32. */
// @ts-ignore: decorator
@inline
function between(a: usize, b: usize, c: usize, d: usize, wx: v128, wy: v128, ux: v128, uy: v128): v128 {
  let sum = f64x2.mul(f64x2.mul(pair(a), uy), ux);
  sum = f64x2.add(sum, f64x2.mul(f64x2.mul(pair(b), uy), wx));
  sum = f64x2.add(sum, f64x2.mul(f64x2.mul(pair(c), wy), ux));
  sum = f64x2.add(sum, f64x2.mul(f64x2.mul(pair(d), wy), wx));
  return f32x4.demote_f64x2_zero(sum);
}

/**
 * The levels of an image in 0..1 at (x + dx, y + dy), in the order of ../digital/elastic-transform.ts; writes up to three
 * bytes past the end.
 */
export function displaced(
  image: usize,
  out: usize,
  height: i32,
  width: i32,
  channels: u32,
  dxs: usize,
  dys: usize,
): void {
  const scale = f32x4.splat(255);
  const ones = f64x2.splat(1);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const atX = <f64>x + <f64>load<f32>(dxs);
      const atY = <f64>y + <f64>load<f32>(dys);
      const near = floor(atX);
      const top = floor(atY);
      const wx = f64x2.splat(atX - near);
      const wy = f64x2.splat(atY - top);
      const ux = f64x2.sub(ones, wx);
      const uy = f64x2.sub(ones, wy);
      const left = symmetric(<i32>near, width) << 4;
      const right = symmetric(<i32>near + 1, width) << 4;
      const upper = image + ((symmetric(<i32>top, height) * width) << 4);
      const lower = image + ((symmetric(<i32>top + 1, height) * width) << 4);
      const low = between(upper + left, upper + right, lower + left, lower + right, wx, wy, ux, uy);
      const rest = 8;
      const high = between(
        upper + left + rest,
        upper + right + rest,
        lower + left + rest,
        lower + right + rest,
        wx,
        wy,
        ux,
        uy,
      );
      storeLevels(out, f32x4.mul(v128.shuffle<i64>(low, high, 0, 2), scale));
      out += channels;
      dxs += 4;
      dys += 4;
    }
}
