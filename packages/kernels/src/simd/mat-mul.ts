// AssemblyScript. c[m, n] = a[m, k] · b[k, n], either one given transposed. b is copied into panels of eight columns, so
// that a tile of 4 × 8 sums stays in registers and reads them one after another; a few rows go without the copy.
import { loadLanes, storeLanes } from './lanes';

const blockRows: i32 = 64;
const blockDepth: i32 = 512;

/** Panels [n / 8, k, 8] of b, whose element (i, j) lies at i · row + j · column; columns beyond n are zeros. */
function pack(b: usize, panels: usize, k: i32, n: i32, row: usize, column: usize): void {
  let to = panels;
  for (let j = 0; j < n; j += 8) {
    const width = min(8, n - j);
    let from = b + <usize>j * column;
    for (let i = 0; i < k; i++) {
      if (width == 8 && column == 4) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      } else {
        for (let w = 0; w < 8; w++)
          store<f32>(to + (<usize>w << 2), w < width ? load<f32>(from + <usize>w * column) : 0);
      }
      from += row;
      to += 32;
    }
  }
}

/** Adds (or writes, for the first block of k) a tile of four rows and up to eight columns. */
function tile4(a: usize, row: usize, step: usize, panel: usize, k: i32, c: usize, cRow: usize, width: i32, first: bool): void {
  const zero = f32x4.splat(0);
  let s0 = zero, s1 = zero, t0 = zero, t1 = zero, u0 = zero, u1 = zero, v0 = zero, v1 = zero;
  let p0 = a, p1 = a + row, p2 = a + 2 * row, p3 = a + 3 * row;
  for (const end = panel + (<usize>k << 5); panel < end; panel += 32) {
    const y0 = v128.load(panel), y1 = v128.load(panel, 16);
    let x = v128.load32_splat(p0);
    s0 = f32x4.add(s0, f32x4.mul(x, y0));
    s1 = f32x4.add(s1, f32x4.mul(x, y1));
    x = v128.load32_splat(p1);
    t0 = f32x4.add(t0, f32x4.mul(x, y0));
    t1 = f32x4.add(t1, f32x4.mul(x, y1));
    x = v128.load32_splat(p2);
    u0 = f32x4.add(u0, f32x4.mul(x, y0));
    u1 = f32x4.add(u1, f32x4.mul(x, y1));
    x = v128.load32_splat(p3);
    v0 = f32x4.add(v0, f32x4.mul(x, y0));
    v1 = f32x4.add(v1, f32x4.mul(x, y1));
    p0 += step;
    p1 += step;
    p2 += step;
    p3 += step;
  }
  put(c, s0, s1, width, first);
  put(c + cRow, t0, t1, width, first);
  put(c + 2 * cRow, u0, u1, width, first);
  put(c + 3 * cRow, v0, v1, width, first);
}

function tile1(a: usize, step: usize, panel: usize, k: i32, c: usize, width: i32, first: bool): void {
  let s0 = f32x4.splat(0), s1 = s0;
  for (const end = panel + (<usize>k << 5); panel < end; panel += 32) {
    const x = v128.load32_splat(a);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(panel)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(panel, 16)));
    a += step;
  }
  put(c, s0, s1, width, first);
}

function put(c: usize, low: v128, high: v128, width: i32, first: bool): void {
  storeLanes(c, first ? low : f32x4.add(loadLanes(c, width), low), width);
  if (width > 4) storeLanes(c + 16, first ? high : f32x4.add(loadLanes(c + 16, width - 4), high), width - 4);
}

/** One row of c without panels, b not transposed: c += a[i] · b[i], four rows of b at a time. */
function rowTimesMatrix(a: usize, step: usize, b: usize, c: usize, k: i32, n: i32): void {
  const row = <usize>n << 2;
  memory.fill(c, 0, row);
  let i = 0;
  for (; i + 4 <= k; i += 4) {
    const x0 = v128.load32_splat(a), x1 = v128.load32_splat(a + step);
    const x2 = v128.load32_splat(a + 2 * step), x3 = v128.load32_splat(a + 3 * step);
    for (let j = 0; j < n; j += 4) {
      const at = <usize>j << 2, lanes = n - j;
      const low = f32x4.add(f32x4.mul(x0, loadLanes(b + at, lanes)), f32x4.mul(x1, loadLanes(b + row + at, lanes)));
      const high = f32x4.add(
        f32x4.mul(x2, loadLanes(b + 2 * row + at, lanes)),
        f32x4.mul(x3, loadLanes(b + 3 * row + at, lanes)),
      );
      storeLanes(c + at, f32x4.add(loadLanes(c + at, lanes), f32x4.add(low, high)), lanes);
    }
    a += 4 * step;
    b += 4 * row;
  }
  for (; i < k; i++) {
    const x = v128.load32_splat(a);
    for (let j = 0; j < n; j += 4) {
      const at = <usize>j << 2, lanes = n - j;
      storeLanes(c + at, f32x4.add(loadLanes(c + at, lanes), f32x4.mul(x, loadLanes(b + at, lanes))), lanes);
    }
    a += step;
    b += row;
  }
}

/** `panels` has room for k · n floats, n rounded up to a multiple of eight; a batch step of 0 repeats a matrix. */
export function matMul(
  a: usize,
  b: usize,
  c: usize,
  panels: usize,
  batch: i32,
  aBatch: usize,
  bBatch: usize,
  m: i32,
  n: i32,
  k: i32,
  transposeA: i32,
  transposeB: i32,
): void {
  const cRow = <usize>n << 2;
  const row = transposeA ? 4 : <usize>k << 2;
  const step = transposeA ? <usize>m << 2 : 4;
  for (let at = 0; at < batch; at++) {
    if (m < 4 && !transposeB) {
      for (let i = 0; i < m; i++) rowTimesMatrix(a + <usize>i * row, step, b, c + <usize>i * cRow, k, n);
    } else {
      if (at == 0 || bBatch != 0) pack(b, panels, k, n, transposeB ? 4 : cRow, transposeB ? <usize>k << 2 : 4);
      for (let d = 0; d < k; d += blockDepth) {
        const depth = min(blockDepth, k - d), first = d == 0;
        for (let i0 = 0; i0 < m; i0 += blockRows) {
          const end = min(m, i0 + blockRows);
          for (let j = 0; j < n; j += 8) {
            const panel = panels + ((<usize>j * k + <usize>d * 8) << 2);
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
