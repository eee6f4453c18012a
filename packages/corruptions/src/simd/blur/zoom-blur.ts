// AssemblyScript of blur/zoom-blur.ts: pixels of four f32.
import { storeLevels } from '../images/levels';

/**
 * The levels of the mean of an image x in 0..1 and `count` bilinear magnifications of it. Magnification k has rows from
 * `rows` + k height places on, columns from `columns` + k width places on, each as low index, high index and weight of the
 * high one (u32, u32, f32). `row` has room for a row, `sum` as well. Writes up to three bytes past the end.
 */
export function zoomedMean(
  x: usize,
  out: usize,
  height: u32,
  width: u32,
  channels: u32,
  rows: usize,
  columns: usize,
  count: u32,
  row: usize,
  sum: usize,
): void {
  const rowBytes = <usize>width << 4;
  const divisor = f32x4.splat(<f32>(count + 1));
  const scale = f32x4.splat(255);
  for (let y: usize = 0; y < height; y++) {
    memory.fill(sum, 0, rowBytes);
    for (let layer: usize = 0; layer < count; layer++) {
      const place = rows + (layer * height + y) * 12;
      const low = x + load<u32>(place) * rowBytes;
      const high = x + load<u32>(place, 4) * rowBytes;
      const wy = v128.load32_splat(place, 8);
      const first = columns + layer * width * 12;
      const end = first + <usize>width * 12;
      // Only the columns between the outer ones are looked at.
      const until = <usize>(load<u32>(end - 12, 4) + 1) << 4;
      for (let i = <usize>load<u32>(first) << 4; i < until; i += 16) {
        const a = v128.load(low + i);
        v128.store(row + i, f32x4.add(a, f32x4.mul(wy, f32x4.sub(v128.load(high + i), a))));
      }
      let to = sum;
      for (let column = first; column < end; column += 12) {
        const a = v128.load(row + (<usize>load<u32>(column) << 4));
        const b = v128.load(row + (<usize>load<u32>(column, 4) << 4));
        const value = f32x4.add(a, f32x4.mul(v128.load32_splat(column, 8), f32x4.sub(b, a)));
        v128.store(to, f32x4.add(v128.load(to), value));
        to += 16;
      }
    }
    const own = x + y * rowBytes;
    for (let i: usize = 0; i < rowBytes; i += 16) {
      const mean = f32x4.div(f32x4.add(v128.load(own + i), v128.load(sum + i)), divisor);
      storeLevels(out, f32x4.mul(mean, scale));
      out += channels;
    }
  }
}
