// AssemblyScript. c[m, n] = a[m, k] · b[k, n], either one given transposed. b is copied into panels of eight columns, so
// that a tile of 4 × 8 sums stays in registers and reads them one after another; few rows don't repay the copy.
import { loadLanes, storeLanes } from './lanes';
import { oneOrTwoRows, rowsTimesColumns, rowsTimesRows } from './mat-mul-few-rows';
import { pack, tile1, tile4 } from './mat-mul-tile';

const blockRows: i32 = 64;
const blockDepth: i32 = 512;

/**
 * `scratch` has room for the panels, k · n floats with n rounded up to a multiple of eight; with `few`, which does without,
 * for k · (m + 8) + n, m rounded up to a multiple of four, and only where m > 2 and b is not transposed. The rows of a must
 * lie in one piece each if `few` and b is transposed. A batch step of 0 repeats a matrix.
 */
export function matMul(
  a: usize,
  b: usize,
  c: usize,
  scratch: usize,
  batch: i32,
  aBatch: usize,
  bBatch: usize,
  m: i32,
  n: i32,
  k: i32,
  transposeA: i32,
  transposeB: i32,
  few: i32,
): void {
  const cRow = <usize>n << 2;
  const row = transposeA ? 4 : <usize>k << 2;
  const step = transposeA ? <usize>m << 2 : 4;
  for (let at = 0; at < batch; at++) {
    if (few) {
      if (transposeB) rowsTimesColumns(a, row, b, c, m, n, k);
      else if (m < 3) oneOrTwoRows(a, row, step, b, c, m, n, k);
      else rowsTimesRows(a, row, step, b, scratch, c, m, n, k);
    } else {
      if (at == 0 || bBatch != 0) pack(b, scratch, k, n, transposeB ? 4 : cRow, transposeB ? <usize>k << 2 : 4, <usize>k << 5);
      for (let d = 0; d < k; d += blockDepth) {
        const depth = min(blockDepth, k - d), first = d == 0;
        for (let i0 = 0; i0 < m; i0 += blockRows) {
          const end = min(m, i0 + blockRows);
          for (let j = 0; j < n; j += 8) {
            const panel = scratch + ((<usize>j * k + <usize>d * 8) << 2);
            let i = i0;
            for (; i + 4 <= end; i += 4)
              tile4(
                a + <usize>i * row + <usize>d * step,
                row, step, panel, depth,
                c + <usize>i * cRow + (<usize>j << 2),
                cRow, n - j, first,
              );
            for (; i < end; i++)
              tile1(
                a + <usize>i * row + <usize>d * step,
                step, panel, depth,
                c + <usize>i * cRow + (<usize>j << 2),
                n - j, first,
              );
          }
        }
      }
    }
    a += aBatch;
    b += bBatch;
    c += cRow * m;
  }
}

/** c[r, i] = min(max(c[r, i] + bias[i], low), high) in place, rows of `columns` values; a NaN stays NaN. */
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
