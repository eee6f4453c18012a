// AssemblyScript of digital/elastic-transform.ts: bilinear interpolation of pixels of four f32 in f64.
import { storeLevels } from '../images/levels';

/** cba|abcd|dcb */
// @ts-ignore: decorator
@inline
function symmetric(i: i32, n: i32): usize {
  if (<u32>i < <u32>n) return i;
  const period = 2 * n;
  const k = ((i % period) + period) % period;
  return k < n ? k : period - 1 - k;
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
 * The levels of an image in 0..1 at (x + dx, y + dy), in the order of digital/elastic-transform.ts; writes up to three
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
