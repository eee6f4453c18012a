// AssemblyScript. The innermost parts of a matrix product: panels of eight columns of b, and the sums of four rows or one with
// a panel.
import { loadLanes, storeLanes } from './lanes';
import { madd } from './madd';

/**
 * Panels of k rows of eight columns of b, whose element (i, j) lies at i · row + j · column; columns beyond n are zeros. The
 * panels begin `panelSize` bytes apart, which is at least 32 · k.
 */
export function pack(b: usize, panels: usize, k: i32, n: i32, row: usize, column: usize, panelSize: usize): void {
  for (let j = 0; j < n; j += 8) {
    const width = min(8, n - j);
    let from = b + <usize>j * column, to = panels;
    if (width == 8 && column == 4) {
      for (let i = 0; i < k; i++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        from += row;
        to += 32;
      }
    } else {
      for (let i = 0; i < k; i++) {
        for (let w = 0; w < 8; w++)
          store<f32>(to + (<usize>w << 2), w < width ? load<f32>(from + <usize>w * column) : 0);
        from += row;
        to += 32;
      }
    }
    panels += panelSize;
  }
}

/** Adds (or writes, for the first block of k) a tile of four rows and up to eight columns. */
export function tile4(a: usize, row: usize, step: usize, panel: usize, k: i32, c: usize, cRow: usize, width: i32, first: bool): void {
  const zero = f32x4.splat(0);
  let s0 = zero, s1 = zero, t0 = zero, t1 = zero, u0 = zero, u1 = zero, v0 = zero, v1 = zero;
  let p0 = a, p1 = a + row, p2 = a + 2 * row, p3 = a + 3 * row;
  for (const end = panel + (<usize>k << 5); panel < end; panel += 32) {
    const y0 = v128.load(panel), y1 = v128.load(panel, 16);
    let x = v128.load32_splat(p0);
    s0 = madd(x, y0, s0);
    s1 = madd(x, y1, s1);
    x = v128.load32_splat(p1);
    t0 = madd(x, y0, t0);
    t1 = madd(x, y1, t1);
    x = v128.load32_splat(p2);
    u0 = madd(x, y0, u0);
    u1 = madd(x, y1, u1);
    x = v128.load32_splat(p3);
    v0 = madd(x, y0, v0);
    v1 = madd(x, y1, v1);
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

export function tile1(a: usize, step: usize, panel: usize, k: i32, c: usize, width: i32, first: bool): void {
  let s0 = f32x4.splat(0), s1 = s0;
  for (const end = panel + (<usize>k << 5); panel < end; panel += 32) {
    const x = v128.load32_splat(a);
    s0 = madd(x, v128.load(panel), s0);
    s1 = madd(x, v128.load(panel, 16), s1);
    a += step;
  }
  put(c, s0, s1, width, first);
}

function put(c: usize, low: v128, high: v128, width: i32, first: bool): void {
  storeLanes(c, first ? low : f32x4.add(loadLanes(c, width), low), width);
  if (width > 4) storeLanes(c + 16, first ? high : f32x4.add(loadLanes(c + 16, width - 4), high), width - 4);
}
