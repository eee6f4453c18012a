// AssemblyScript. Pixels of four f32.
import { storeLevels } from './convert';

/**
 * Adds the bilinear magnification of an image to `sum`: rows and columns as low index, high index and weight of the
 * high one (u32, u32, f32). `row` has room for a row of the source.
 */
export function addZoomed(
  x: usize,
  sum: usize,
  row: usize,
  stride: u32,
  rows: usize,
  height: u32,
  columns: usize,
  width: u32,
): void {
  const rowBytes = <usize>stride << 4;
  const end = columns + <usize>width * 12;
  for (let y: u32 = 0; y < height; y++) {
    const low = x + load<u32>(rows) * rowBytes;
    const high = x + load<u32>(rows, 4) * rowBytes;
    const wy = v128.load32_splat(rows, 8);
    for (let i: usize = 0; i < rowBytes; i += 16) {
      const a = v128.load(low + i);
      v128.store(row + i, f32x4.add(a, f32x4.mul(wy, f32x4.sub(v128.load(high + i), a))));
    }
    for (let column = columns; column < end; column += 12) {
      const a = v128.load(row + (<usize>load<u32>(column) << 4));
      const b = v128.load(row + (<usize>load<u32>(column, 4) << 4));
      const value = f32x4.add(a, f32x4.mul(v128.load32_splat(column, 8), f32x4.sub(b, a)));
      v128.store(sum, f32x4.add(v128.load(sum), value));
      sum += 16;
    }
    rows += 12;
  }
}

/** The levels of (x + sum) / count, x and sum in 0..1; writes up to three bytes past the end. */
export function meanLevels(x: usize, sum: usize, out: usize, pixels: u32, channels: u32, count: f32): void {
  const divisor = f32x4.splat(count);
  const scale = f32x4.splat(255);
  for (let i: usize = 0; i < <usize>pixels << 4; i += 16) {
    const mean = f32x4.div(f32x4.add(v128.load(x + i), v128.load(sum + i)), divisor);
    storeLevels(out, f32x4.mul(mean, scale));
    out += channels;
  }
}
