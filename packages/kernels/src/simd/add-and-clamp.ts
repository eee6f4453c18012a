// AssemblyScript. c[r, i] = min(max(c[r, i] + bias[i], low), high) in place, rows of `columns` values; a NaN stays NaN.
import { loadLanes, storeLanes } from './lanes';

export function addAndClamp(c: usize, bias: usize, rows: i32, columns: i32, low: f32, high: f32): void {
  const least = f32x4.splat(low), most = f32x4.splat(high);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < columns; i += 4) {
      const at = <usize>i << 2, lanes = columns - i;
      const sum = f32x4.add(loadLanes(c + at, lanes), loadLanes(bias + at, lanes));
      storeLanes(c + at, f32x4.min(f32x4.max(sum, least), most), lanes);
    }
    c += <usize>columns << 2;
  }
}
