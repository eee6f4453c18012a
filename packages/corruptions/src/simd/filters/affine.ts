// AssemblyScript of filters/affine.ts: bilinear interpolation of pixels of four f32.

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

/**
 * out = the image at (x, y) / 32, in the order of filters/affine.ts, where x of a pixel is (a number of its row + a number
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
