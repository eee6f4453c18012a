// AssemblyScript. Products of a few rows with a matrix, which is read once and from where it lies: b may be larger than the
// caches, and copying it would cost as much as the product.
import { loadLanes, storeLanes } from './lanes';
import { madd } from './madd';
import { pack, tile1, tile4 } from './mat-mul-tile';

/** So many rows of b are read side by side, each from left to right as processors read ahead. */
const blockDepth: i32 = 16;
/** So many columns of c stay in the first cache while b passes by. */
const blockColumns: i32 = 1024;

/** Panels [m / 4, k, 4] of a, whose element (i, l) lies at i · row + l · step; rows beyond m are zeros. */
function packRows(a: usize, panels: usize, m: i32, k: i32, row: usize, step: usize): void {
  let to = panels;
  for (let i = 0; i < m; i += 4) {
    const rows = min(4, m - i);
    let from = a + <usize>i * row;
    for (let l = 0; l < k; l++) {
      for (let r = 0; r < 4; r++) store<f32>(to + (<usize>r << 2), r < rows ? load<f32>(from + <usize>r * row) : 0);
      from += step;
      to += 16;
    }
  }
}

/**
 * c[m, n] = a[m, k] · b[k, n]; an element (i, l) of a lies at i · aRow + l · step. `scratch` has room for k · (m + 8) + n
 * floats, m rounded up to a multiple of four: a, the columns of b beyond the last eight, a row of c that isn't wanted.
 */
export function rowsTimesRows(
  a: usize, aRow: usize, step: usize, b: usize, scratch: usize, c: usize, m: i32, n: i32, k: i32,
): void {
  const row = <usize>n << 2;
  const whole = n & ~7;
  const panel = scratch + (<usize>(((m + 3) >> 2) * k) << 4);
  const spare = panel + (<usize>k << 5);
  packRows(a, scratch, m, k, aRow, step);
  memory.fill(c, 0, row * m);
  for (let l = 0; l < k; l += blockDepth) {
    const from = b + <usize>l * row, depth = min(blockDepth, k - l);
    for (let i = 0; i < m; i += 4) {
      const place = c + <usize>i * row;
      const c1 = i + 1 < m ? place + row : spare, c2 = i + 2 < m ? place + 2 * row : spare;
      strip(scratch + (<usize>(i * k + 4 * l) << 2), from, row, depth, place, c1, c2, i + 3 < m ? place + 3 * row : spare, whole);
    }
  }
  if (whole == n) return;
  const at = <usize>whole << 2;
  pack(b + at, panel, k, n - whole, row, 4, <usize>k << 5);
  let i = 0;
  for (; i + 4 <= m; i += 4)
    tile4(a + <usize>i * aRow, aRow, step, panel, k, c + <usize>i * row + at, row, n - whole, true);
  for (; i < m; i++) tile1(a + <usize>i * aRow, step, panel, k, c + <usize>i * row + at, n - whole, true);
}

/** c[4, n] += a[4, k] · b[k, n] for a panel of a and n divisible by eight; the rows of c may lie anywhere. */
function strip(
  a: usize, b: usize, row: usize, k: i32, c: usize, c1: usize, c2: usize, c3: usize, n: i32,
): void {
  const end = a + (<usize>k << 4);
  for (let j = 0; j < n; j += 8) {
    let s0 = v128.load(c), s1 = v128.load(c, 16), t0 = v128.load(c1), t1 = v128.load(c1, 16);
    let u0 = v128.load(c2), u1 = v128.load(c2, 16), v0 = v128.load(c3), v1 = v128.load(c3, 16);
    let p = b;
    for (let q = a; q < end; q += 16) {
      const y0 = v128.load(p), y1 = v128.load(p, 16);
      let x = v128.load32_splat(q);
      s0 = madd(x, y0, s0);
      s1 = madd(x, y1, s1);
      x = v128.load32_splat(q, 4);
      t0 = madd(x, y0, t0);
      t1 = madd(x, y1, t1);
      x = v128.load32_splat(q, 8);
      u0 = madd(x, y0, u0);
      u1 = madd(x, y1, u1);
      x = v128.load32_splat(q, 12);
      v0 = madd(x, y0, v0);
      v1 = madd(x, y1, v1);
      p += row;
    }
    v128.store(c, s0);
    v128.store(c, s1, 16);
    v128.store(c1, t0);
    v128.store(c1, t1, 16);
    v128.store(c2, u0);
    v128.store(c2, u1, 16);
    v128.store(c3, v0);
    v128.store(c3, v1, 16);
    b += 32;
    c += 32;
    c1 += 32;
    c2 += 32;
    c3 += 32;
  }
}

/** Four columns of c, or the last ones, += eight rows of b, each times its x. */
// @ts-ignore: decorator
@inline
function addEight(
  c: usize, b: usize, row: usize, lanes: i32,
  x0: v128, x1: v128, x2: v128, x3: v128, x4: v128, x5: v128, x6: v128, x7: v128,
): void {
  let sum = madd(x0, loadLanes(b, lanes), loadLanes(c, lanes));
  sum = madd(x1, loadLanes(b + row, lanes), sum);
  sum = madd(x2, loadLanes(b + 2 * row, lanes), sum);
  sum = madd(x3, loadLanes(b + 3 * row, lanes), sum);
  sum = madd(x4, loadLanes(b + 4 * row, lanes), sum);
  sum = madd(x5, loadLanes(b + 5 * row, lanes), sum);
  sum = madd(x6, loadLanes(b + 6 * row, lanes), sum);
  storeLanes(c, madd(x7, loadLanes(b + 7 * row, lanes), sum), lanes);
}

/** c[n] += a[8] · b[8, n] */
function oneRow(a: usize, step: usize, b: usize, row: usize, c: usize, n: i32): void {
  const x0 = v128.load32_splat(a), x1 = v128.load32_splat(a + step);
  const x2 = v128.load32_splat(a + 2 * step), x3 = v128.load32_splat(a + 3 * step);
  const x4 = v128.load32_splat(a + 4 * step), x5 = v128.load32_splat(a + 5 * step);
  const x6 = v128.load32_splat(a + 6 * step), x7 = v128.load32_splat(a + 7 * step);
  for (const end = c + (<usize>(n & ~7) << 2); c < end; c += 32) {
    // One address a row for two vectors: with one for each, addresses cost as much as products.
    let p = b;
    let s = madd(x0, v128.load(p), v128.load(c)), t = madd(x0, v128.load(p, 16), v128.load(c, 16));
    p += row;
    s = madd(x1, v128.load(p), s);
    t = madd(x1, v128.load(p, 16), t);
    p += row;
    s = madd(x2, v128.load(p), s);
    t = madd(x2, v128.load(p, 16), t);
    p += row;
    s = madd(x3, v128.load(p), s);
    t = madd(x3, v128.load(p, 16), t);
    p += row;
    s = madd(x4, v128.load(p), s);
    t = madd(x4, v128.load(p, 16), t);
    p += row;
    s = madd(x5, v128.load(p), s);
    t = madd(x5, v128.load(p, 16), t);
    p += row;
    s = madd(x6, v128.load(p), s);
    t = madd(x6, v128.load(p, 16), t);
    p += row;
    v128.store(c, madd(x7, v128.load(p), s));
    v128.store(c, madd(x7, v128.load(p, 16), t), 16);
    b += 32;
  }
  for (let lanes = n & 7; lanes > 0; lanes -= 4) {
    addEight(c, b, row, lanes, x0, x1, x2, x3, x4, x5, x6, x7);
    b += 16;
    c += 16;
  }
}

/**
 * The same for one row or two, one after the other eight rows of b at a time, which stay in the first cache for the second one.
 */
export function oneOrTwoRows(a: usize, aRow: usize, step: usize, b: usize, c: usize, m: i32, n: i32, k: i32): void {
  const row = <usize>n << 2;
  for (let j = 0; j < n; j += blockColumns) {
    const width = min(blockColumns, n - j);
    const to = c + (<usize>j << 2);
    let from = b + (<usize>j << 2), x = a;
    for (let i = 0; i < m; i++) memory.fill(to + <usize>i * row, 0, <usize>width << 2);
    let l = 0;
    for (; l + 8 <= k; l += 8) {
      for (let i = 0; i < m; i++) oneRow(x + <usize>i * aRow, step, from, row, to + <usize>i * row, width);
      x += 8 * step;
      from += 8 * row;
    }
    for (; l < k; l++) {
      for (let i = 0; i < m; i++) {
        const factor = v128.load32_splat(x + <usize>i * aRow);
        for (let w = 0; w < width; w += 4) {
          const lanes = width - w, at = <usize>w << 2, place = to + <usize>i * row + at;
          storeLanes(place, madd(factor, loadLanes(from + at, lanes), loadLanes(place, lanes)), lanes);
        }
      }
      x += step;
      from += row;
    }
  }
}

/** The sum of four lanes. */
// @ts-ignore: decorator
@inline
function total(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** Σ x · y of the n values that a whole number of vectors leaves over. */
// @ts-ignore: decorator
@inline
function rest(x: usize, y: usize, n: i32): f32 {
  let sum: f32 = 0;
  for (let i: usize = 0, end = <usize>n << 2; i < end; i += 4) sum += load<f32>(x + i) * load<f32>(y + i);
  return sum;
}

/** One row of a times four rows of b, sixteen bytes at a time on two sums each. */
function oneTimesFour(a: usize, b0: usize, b1: usize, b2: usize, b3: usize, c0: usize, c1: usize, c2: usize, c3: usize, k: i32): void {
  const zero = f32x4.splat(0);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero, t0 = zero, t1 = zero, t2 = zero, t3 = zero;
  let at: usize = 0;
  const bytes = <usize>(k & ~3) << 2;
  for (; at + 32 <= bytes; at += 32) {
    const x = v128.load(a + at), y = v128.load(a + at, 16);
    s0 = madd(x, v128.load(b0 + at), s0);
    t0 = madd(y, v128.load(b0 + at, 16), t0);
    s1 = madd(x, v128.load(b1 + at), s1);
    t1 = madd(y, v128.load(b1 + at, 16), t1);
    s2 = madd(x, v128.load(b2 + at), s2);
    t2 = madd(y, v128.load(b2 + at, 16), t2);
    s3 = madd(x, v128.load(b3 + at), s3);
    t3 = madd(y, v128.load(b3 + at, 16), t3);
  }
  if (at < bytes) {
    const x = v128.load(a + at);
    s0 = madd(x, v128.load(b0 + at), s0);
    s1 = madd(x, v128.load(b1 + at), s1);
    s2 = madd(x, v128.load(b2 + at), s2);
    s3 = madd(x, v128.load(b3 + at), s3);
  }
  store<f32>(c0, total(f32x4.add(s0, t0)) + rest(a + bytes, b0 + bytes, k & 3));
  store<f32>(c1, total(f32x4.add(s1, t1)) + rest(a + bytes, b1 + bytes, k & 3));
  store<f32>(c2, total(f32x4.add(s2, t2)) + rest(a + bytes, b2 + bytes, k & 3));
  store<f32>(c3, total(f32x4.add(s3, t3)) + rest(a + bytes, b3 + bytes, k & 3));
}

/** Two rows of a times two rows of b, on two sums each. */
function twoTimesTwo(a0: usize, a1: usize, b0: usize, b1: usize, c0: usize, c1: usize, cRow: usize, k: i32): void {
  const zero = f32x4.splat(0);
  let s00 = zero, s01 = zero, s10 = zero, s11 = zero, t00 = zero, t01 = zero, t10 = zero, t11 = zero;
  let at: usize = 0;
  const bytes = <usize>(k & ~3) << 2;
  for (; at + 32 <= bytes; at += 32) {
    let y0 = v128.load(b0 + at), y1 = v128.load(b1 + at);
    let x = v128.load(a0 + at);
    s00 = madd(x, y0, s00);
    s01 = madd(x, y1, s01);
    x = v128.load(a1 + at);
    s10 = madd(x, y0, s10);
    s11 = madd(x, y1, s11);
    y0 = v128.load(b0 + at, 16);
    y1 = v128.load(b1 + at, 16);
    x = v128.load(a0 + at, 16);
    t00 = madd(x, y0, t00);
    t01 = madd(x, y1, t01);
    x = v128.load(a1 + at, 16);
    t10 = madd(x, y0, t10);
    t11 = madd(x, y1, t11);
  }
  if (at < bytes) {
    const x0 = v128.load(a0 + at), x1 = v128.load(a1 + at), y0 = v128.load(b0 + at), y1 = v128.load(b1 + at);
    s00 = madd(x0, y0, s00);
    s01 = madd(x0, y1, s01);
    s10 = madd(x1, y0, s10);
    s11 = madd(x1, y1, s11);
  }
  store<f32>(c0, total(f32x4.add(s00, t00)) + rest(a0 + bytes, b0 + bytes, k & 3));
  store<f32>(c1, total(f32x4.add(s01, t01)) + rest(a0 + bytes, b1 + bytes, k & 3));
  store<f32>(c0 + cRow, total(f32x4.add(s10, t10)) + rest(a1 + bytes, b0 + bytes, k & 3));
  store<f32>(c1 + cRow, total(f32x4.add(s11, t11)) + rest(a1 + bytes, b1 + bytes, k & 3));
}

/** Four rows of a times two rows of b; `last` is the number of the fourth one, 2 for the third again. */
function fourTimesTwo(
  a0: usize, aRow: usize, b0: usize, b1: usize, c0: usize, c1: usize, cRow: usize, k: i32, last: usize,
): void {
  const a1 = a0 + aRow, a2 = a1 + aRow, a3 = a0 + last * aRow;
  const zero = f32x4.splat(0);
  let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
  const bytes = <usize>(k & ~3) << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    const y0 = v128.load(b0 + at), y1 = v128.load(b1 + at);
    let x = v128.load(a0 + at);
    s00 = madd(x, y0, s00);
    s01 = madd(x, y1, s01);
    x = v128.load(a1 + at);
    s10 = madd(x, y0, s10);
    s11 = madd(x, y1, s11);
    x = v128.load(a2 + at);
    s20 = madd(x, y0, s20);
    s21 = madd(x, y1, s21);
    x = v128.load(a3 + at);
    s30 = madd(x, y0, s30);
    s31 = madd(x, y1, s31);
  }
  b0 += bytes;
  b1 += bytes;
  store<f32>(c0, total(s00) + rest(a0 + bytes, b0, k & 3));
  store<f32>(c1, total(s01) + rest(a0 + bytes, b1, k & 3));
  store<f32>(c0 + cRow, total(s10) + rest(a1 + bytes, b0, k & 3));
  store<f32>(c1 + cRow, total(s11) + rest(a1 + bytes, b1, k & 3));
  store<f32>(c0 + 2 * cRow, total(s20) + rest(a2 + bytes, b0, k & 3));
  store<f32>(c1 + 2 * cRow, total(s21) + rest(a2 + bytes, b1, k & 3));
  store<f32>(c0 + last * cRow, total(s30) + rest(a3 + bytes, b0, k & 3));
  store<f32>(c1 + last * cRow, total(s31) + rest(a3 + bytes, b1, k & 3));
}

/** c[m, n] = a[m, k] · b[n, k]ᵀ: where fewer rows than a tile has are left, it takes the last one again. */
export function rowsTimesColumns(a: usize, aRow: usize, b: usize, c: usize, m: i32, n: i32, k: i32): void {
  const row = <usize>k << 2, cRow = <usize>n << 2, most = n - 1;
  for (let j = 0; j < n; j += m == 1 ? 4 : 2) {
    const j1 = <usize>min(j + 1, most);
    const b0 = b + <usize>j * row, b1 = b + j1 * row;
    const c0 = c + (<usize>j << 2), c1 = c + (j1 << 2);
    if (m == 1) {
      const j2 = <usize>min(j + 2, most), j3 = <usize>min(j + 3, most);
      oneTimesFour(a, b0, b1, b + j2 * row, b + j3 * row, c0, c1, c + (j2 << 2), c + (j3 << 2), k);
    } else {
      for (let i = 0; i < m; i += 4) {
        const rows = a + <usize>i * aRow, to = <usize>i * cRow, left = m - i;
        if (left > 2) fourTimesTwo(rows, aRow, b0, b1, c0 + to, c1 + to, cRow, k, <usize>min(3, left - 1));
        else twoTimesTwo(rows, rows + <usize>(left - 1) * aRow, b0, b1, c0 + to, c1 + to, <usize>(left - 1) * cRow, k);
      }
    }
  }
}
