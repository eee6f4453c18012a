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
 * out = the image at (x, y) / 32, in the order of ../digital/affine.ts, where x of a pixel is (a number of its row + a number of its column) >> 5, and so is y;
 * `rows` and `columns` hold the two numbers, for x and for y, side by side (i32).
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

/** The levels of an image in 0..1 at (x + dx, y + dy); writes up to three bytes past the end. */
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
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      // Whole pixels apart, so that the fraction keeps its digits.
      const dx = load<f32>(dxs);
      const dy = load<f32>(dys);
      const near = floor<f32>(dx);
      const top = floor<f32>(dy);
      const column = x + <i32>near;
      const row = y + <i32>top;
      const wx = f32x4.splat(dx - near);
      const wy = f32x4.splat(dy - top);
      const left = symmetric(column, width) << 4;
      const right = symmetric(column + 1, width) << 4;
      const upper = image + ((symmetric(row, height) * width) << 4);
      const lower = image + ((symmetric(row + 1, height) * width) << 4);
      const a = v128.load(upper + left);
      const b = v128.load(lower + left);
      const above = f32x4.add(a, f32x4.mul(wx, f32x4.sub(v128.load(upper + right), a)));
      const below = f32x4.add(b, f32x4.mul(wx, f32x4.sub(v128.load(lower + right), b)));
      storeLevels(out, f32x4.mul(f32x4.add(above, f32x4.mul(wy, f32x4.sub(below, above))), scale));
      out += channels;
      dxs += 4;
      dys += 4;
    }
}
