// AssemblyScript. y[r, c] = (x[r, c] − mean[c]) · factor[c] + offset[c], rows of `columns` values.
import { loadLanes, storeLanes } from './lanes';

export function normalize(x: usize, mean: usize, factor: usize, offset: usize, y: usize, rows: i32, columns: i32): void {
  const row = <usize>columns << 2;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c += 4) {
      const at = <usize>c << 2;
      const lanes = columns - c;
      const centered = f32x4.sub(loadLanes(x + at, lanes), loadLanes(mean + at, lanes));
      const scaled = f32x4.mul(centered, loadLanes(factor + at, lanes));
      storeLanes(y + at, f32x4.add(scaled, loadLanes(offset + at, lanes)), lanes);
    }
    x += row;
    y += row;
  }
}
