// AssemblyScript. y[r, c] = (x[r, c] − mean[c]) · factor[c] + offset[c], rows of `columns` values, with
// factor = scale / √(variance + ε). Goes down a block of rows with what belongs to sixteen columns in registers.
import { loadLanes, storeLanes } from './lanes';

// @ts-ignore: decorator
@inline
function normalized(x: v128, mean: v128, factor: v128, offset: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.sub(x, mean), factor), offset);
}

function normalizeBlock(x: usize, y: usize, mean: usize, factor: usize, offset: usize, rows: i32, columns: i32): void {
  const step = <usize>columns << 2, bytes = <usize>rows * step, shift = y - x;
  let c = 0;
  for (; c + 16 <= columns; c += 16) {
    const at = <usize>c << 2;
    const m0 = v128.load(mean + at), m1 = v128.load(mean + at, 16);
    const m2 = v128.load(mean + at, 32), m3 = v128.load(mean + at, 48);
    const f0 = v128.load(factor + at), f1 = v128.load(factor + at, 16);
    const f2 = v128.load(factor + at, 32), f3 = v128.load(factor + at, 48);
    const o0 = v128.load(offset + at), o1 = v128.load(offset + at, 16);
    const o2 = v128.load(offset + at, 32), o3 = v128.load(offset + at, 48);
    for (let p = x + at, end = p + bytes; p < end; p += step) {
      v128.store(p + shift, normalized(v128.load(p), m0, f0, o0));
      v128.store(p + shift, normalized(v128.load(p, 16), m1, f1, o1), 16);
      v128.store(p + shift, normalized(v128.load(p, 32), m2, f2, o2), 32);
      v128.store(p + shift, normalized(v128.load(p, 48), m3, f3, o3), 48);
    }
  }
  for (; c < columns; c += 4) {
    const at = <usize>c << 2, lanes = columns - c;
    const m = loadLanes(mean + at, lanes), f = loadLanes(factor + at, lanes), o = loadLanes(offset + at, lanes);
    for (let p = x + at, end = p + bytes; p < end; p += step)
      storeLanes(p + shift, normalized(loadLanes(p, lanes), m, f, o), lanes);
  }
}

/** A scale or an offset at address 0 is 1 or 0. `scratch` has room for two values a column. */
export function batchNorm(
  x: usize, mean: usize, variance: usize, scale: usize, offset: usize, scratch: usize, y: usize,
  rows: i32, columns: i32, epsilon: f64,
): void {
  const row = <usize>columns << 2;
  for (let at: usize = 0; at < row; at += 4) {
    const s: f64 = scale ? load<f32>(scale + at) : 1;
    store<f32>(scratch + at, <f32>(s / sqrt(<f64>load<f32>(variance + at) + epsilon)));
    store<f32>(scratch + row + at, offset ? load<f32>(offset + at) : 0);
  }
  // As many rows as the innermost cache holds of both tensors.
  const few = max(1, min(64, 1024 / columns));
  for (let r = 0; r < rows; r += few) {
    const at = row * r;
    normalizeBlock(x + at, y + at, mean, scratch, scratch + row, min(few, rows - r), columns);
  }
}
