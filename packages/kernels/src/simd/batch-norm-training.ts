// AssemblyScript. The statistics of every column of [rows, columns], and the gradient of a normalization by them. Both go
// down a block of rows, sixteen columns at a time: float32 inside a block, float64 from block to block.

import { loadLanes, storeLanes } from './lanes';

const blockRows: i32 = 64;

// @ts-ignore: decorator
@inline
function upper(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 0, 1));
}

/** Joins two blocks' means and sums of squared deviations to those of the rows before (Chan, Golub and LeVeque 1979). */
// @ts-ignore: decorator
@inline
function joinPair(means: usize, squares: usize, m: v128, r: v128, q: v128, before: f64, rows: f64): void {
  const n = f64x2.splat(rows);
  // The block's mean was rounded; what is left over, r, mends it.
  const mean = f64x2.add(m, f64x2.div(r, n));
  const square = f64x2.sub(q, f64x2.div(f64x2.mul(r, r), n));
  const old = v128.load(means);
  const delta = f64x2.sub(mean, old);
  const share = rows / (before + rows);
  v128.store(means, f64x2.add(old, f64x2.mul(delta, f64x2.splat(share))));
  const between = f64x2.mul(f64x2.mul(delta, delta), f64x2.splat(before * share));
  v128.store(squares, f64x2.add(v128.load(squares), f64x2.add(square, between)));
}

// @ts-ignore: decorator
@inline
function join(means: usize, squares: usize, m: v128, r: v128, q: v128, before: f64, rows: f64): void {
  const low = f64x2.promote_low_f32x4(m);
  joinPair(means, squares, low, f64x2.promote_low_f32x4(r), f64x2.promote_low_f32x4(q), before, rows);
  joinPair(means + 16, squares + 16, upper(m), upper(r), upper(q), before, rows);
}

/** Of a block of rows: the second way down finds it in the cache. */
function blockMoments(x: usize, means: usize, squares: usize, rows: i32, columns: i32, before: f64): void {
  const step = <usize>columns << 2, bytes = <usize>rows * step;
  const zero = f32x4.splat(0), part = f32x4.splat(1 / <f32>rows);
  let c = 0;
  for (; c + 16 <= columns; c += 16) {
    const start = x + (<usize>c << 2), end = start + bytes;
    let m0 = zero, m1 = zero, m2 = zero, m3 = zero;
    for (let p = start; p < end; p += step) {
      m0 = f32x4.add(m0, v128.load(p));
      m1 = f32x4.add(m1, v128.load(p, 16));
      m2 = f32x4.add(m2, v128.load(p, 32));
      m3 = f32x4.add(m3, v128.load(p, 48));
    }
    m0 = f32x4.mul(m0, part);
    m1 = f32x4.mul(m1, part);
    m2 = f32x4.mul(m2, part);
    m3 = f32x4.mul(m3, part);
    let r0 = zero, r1 = zero, r2 = zero, r3 = zero, q0 = zero, q1 = zero, q2 = zero, q3 = zero;
    for (let p = start; p < end; p += step) {
      const d0 = f32x4.sub(v128.load(p), m0), d1 = f32x4.sub(v128.load(p, 16), m1);
      const d2 = f32x4.sub(v128.load(p, 32), m2), d3 = f32x4.sub(v128.load(p, 48), m3);
      r0 = f32x4.add(r0, d0);
      r1 = f32x4.add(r1, d1);
      r2 = f32x4.add(r2, d2);
      r3 = f32x4.add(r3, d3);
      q0 = f32x4.add(q0, f32x4.mul(d0, d0));
      q1 = f32x4.add(q1, f32x4.mul(d1, d1));
      q2 = f32x4.add(q2, f32x4.mul(d2, d2));
      q3 = f32x4.add(q3, f32x4.mul(d3, d3));
    }
    const at = <usize>c << 3;
    join(means + at, squares + at, m0, r0, q0, before, rows);
    join(means + at + 32, squares + at + 32, m1, r1, q1, before, rows);
    join(means + at + 64, squares + at + 64, m2, r2, q2, before, rows);
    join(means + at + 96, squares + at + 96, m3, r3, q3, before, rows);
  }
  for (; c < columns; c += 4) {
    const lanes = columns - c;
    const start = x + (<usize>c << 2), end = start + bytes;
    let m = zero, r = zero, q = zero;
    for (let p = start; p < end; p += step) m = f32x4.add(m, loadLanes(p, lanes));
    m = f32x4.mul(m, part);
    for (let p = start; p < end; p += step) {
      const d = f32x4.sub(loadLanes(p, lanes), m);
      r = f32x4.add(r, d);
      q = f32x4.add(q, f32x4.mul(d, d));
    }
    join(means + (<usize>c << 3), squares + (<usize>c << 3), m, r, q, before, rows);
  }
}

/**
 * mean[c] and variance[c], Σ (x − mean)² over the number of rows, of every column. `scratch` has room for two float64 a column,
 * the columns rounded up to a multiple of four.
 */
export function columnMoments(x: usize, mean: usize, variance: usize, scratch: usize, rows: i32, columns: i32): void {
  const room = <usize>((columns + 3) & ~3) << 3;
  const squares = scratch + room;
  memory.fill(scratch, 0, room << 1);
  for (let r = 0; r < rows; r += blockRows) {
    const count = min(blockRows, rows - r);
    blockMoments(x, scratch, squares, count, columns, r);
    x += (<usize>columns << 2) * count;
  }
  for (let c: usize = 0; c < <usize>columns; c++) {
    store<f32>(mean + (c << 2), <f32>load<f64>(scratch + (c << 3)));
    store<f32>(variance + (c << 2), <f32>(load<f64>(squares + (c << 3)) / rows));
  }
}

// @ts-ignore: decorator
@inline
function addTotals(totals: usize, s: v128): void {
  v128.store(totals, f64x2.add(v128.load(totals), f64x2.promote_low_f32x4(s)));
  v128.store(totals, f64x2.add(v128.load(totals, 16), upper(s)), 16);
}

/** Adds Σ dy and Σ dy (x − mean) of a block of rows to the totals. */
function blockSums(dy: usize, x: usize, mean: usize, totals: usize, products: usize, rows: i32, columns: i32): void {
  const step = <usize>columns << 2, bytes = <usize>rows * step;
  const zero = f32x4.splat(0);
  let c = 0;
  for (; c + 16 <= columns; c += 16) {
    const at = <usize>c << 2, end = dy + at + bytes;
    const m0 = v128.load(mean + at), m1 = v128.load(mean + at, 16);
    const m2 = v128.load(mean + at, 32), m3 = v128.load(mean + at, 48);
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero, q0 = zero, q1 = zero, q2 = zero, q3 = zero;
    for (let p = dy + at, from = x + at; p < end; p += step) {
      const g0 = v128.load(p), g1 = v128.load(p, 16), g2 = v128.load(p, 32), g3 = v128.load(p, 48);
      s0 = f32x4.add(s0, g0);
      s1 = f32x4.add(s1, g1);
      s2 = f32x4.add(s2, g2);
      s3 = f32x4.add(s3, g3);
      q0 = f32x4.add(q0, f32x4.mul(g0, f32x4.sub(v128.load(from), m0)));
      q1 = f32x4.add(q1, f32x4.mul(g1, f32x4.sub(v128.load(from, 16), m1)));
      q2 = f32x4.add(q2, f32x4.mul(g2, f32x4.sub(v128.load(from, 32), m2)));
      q3 = f32x4.add(q3, f32x4.mul(g3, f32x4.sub(v128.load(from, 48), m3)));
      from += step;
    }
    const to = <usize>c << 3;
    addTotals(totals + to, s0);
    addTotals(totals + to + 32, s1);
    addTotals(totals + to + 64, s2);
    addTotals(totals + to + 96, s3);
    addTotals(products + to, q0);
    addTotals(products + to + 32, q1);
    addTotals(products + to + 64, q2);
    addTotals(products + to + 96, q3);
  }
  for (; c < columns; c += 4) {
    const at = <usize>c << 2, end = dy + at + bytes, lanes = columns - c;
    const m = loadLanes(mean + at, lanes);
    let s = zero, q = zero;
    for (let p = dy + at, from = x + at; p < end; p += step) {
      const g = loadLanes(p, lanes);
      s = f32x4.add(s, g);
      q = f32x4.add(q, f32x4.mul(g, f32x4.sub(loadLanes(from, lanes), m)));
      from += step;
    }
    addTotals(totals + (<usize>c << 3), s);
    addTotals(products + (<usize>c << 3), q);
  }
}

// @ts-ignore: decorator
@inline
function gradient(dy: v128, x: v128, mean: v128, factor: v128, constant: v128, slope: v128): v128 {
  return f32x4.sub(f32x4.sub(f32x4.mul(dy, factor), constant), f32x4.mul(f32x4.sub(x, mean), slope));
}

/** dx = dy · factor − constant − (x − mean) · slope of a block of rows. */
function blockGradient(
  dy: usize, x: usize, dx: usize, mean: usize, factor: usize, constant: usize, slope: usize, rows: i32, columns: i32,
): void {
  const step = <usize>columns << 2, bytes = <usize>rows * step;
  let c = 0;
  for (; c + 8 <= columns; c += 8) {
    const at = <usize>c << 2;
    const m0 = v128.load(mean + at), m1 = v128.load(mean + at, 16);
    const f0 = v128.load(factor + at), f1 = v128.load(factor + at, 16);
    const k0 = v128.load(constant + at), k1 = v128.load(constant + at, 16);
    const s0 = v128.load(slope + at), s1 = v128.load(slope + at, 16);
    for (let i = at, end = at + bytes; i < end; i += step) {
      v128.store(dx + i, gradient(v128.load(dy + i), v128.load(x + i), m0, f0, k0, s0));
      v128.store(dx + i, gradient(v128.load(dy + i, 16), v128.load(x + i, 16), m1, f1, k1, s1), 16);
    }
  }
  for (; c < columns; c += 4) {
    const at = <usize>c << 2, lanes = columns - c;
    const m = loadLanes(mean + at, lanes), f = loadLanes(factor + at, lanes);
    const k = loadLanes(constant + at, lanes), s = loadLanes(slope + at, lanes);
    for (let i = at, end = at + bytes; i < end; i += step)
      storeLanes(dx + i, gradient(loadLanes(dy + i, lanes), loadLanes(x + i, lanes), m, f, k, s), lanes);
  }
}

/**
 * With r = 1 / √(variance + ε): dOffset = Σ dy, dScale = r Σ dy (x − mean), and
 * dx = scale · r (dy − dOffset / rows − (x − mean) · r · dScale / rows). `scratch` has room as for the moments; afterwards it
 * holds the three factors of a column.
 */
export function batchNormBackward(
  dy: usize, x: usize, mean: usize, variance: usize, scale: usize,
  dx: usize, dScale: usize, dOffset: usize, scratch: usize,
  rows: i32, columns: i32, epsilon: f64,
): void {
  const row = <usize>columns << 2, room = <usize>((columns + 3) & ~3) << 3;
  const products = scratch + room;
  memory.fill(scratch, 0, room << 1);
  const several = max(16, min(blockRows, 2048 / columns));
  for (let r = 0; r < rows; r += several) {
    const at = row * r;
    blockSums(dy + at, x + at, mean, scratch, products, min(several, rows - r), columns);
  }
  // The factors take the place of the totals, which are read in the order in which they are overwritten.
  const factor = scratch, constant = scratch + (room >> 1), slope = products;
  for (let c: usize = 0; c < <usize>columns; c++) {
    const at = c << 2;
    const reciprocal = 1 / sqrt(<f64>load<f32>(variance + at) + epsilon);
    const total = load<f64>(scratch + (c << 3)), product = load<f64>(products + (c << 3)) * reciprocal;
    store<f32>(dOffset + at, <f32>total);
    store<f32>(dScale + at, <f32>product);
  }
  for (let c: usize = 0; c < <usize>columns; c++) {
    const at = c << 2;
    const reciprocal = 1 / sqrt(<f64>load<f32>(variance + at) + epsilon);
    const a = reciprocal * load<f32>(scale + at);
    store<f32>(factor + at, <f32>a);
    store<f32>(constant + at, <f32>(a * load<f32>(dOffset + at) / rows));
    store<f32>(slope + at, <f32>(a * reciprocal * load<f32>(dScale + at) / rows));
  }
  // As many rows as the innermost cache holds of three tensors.
  const few = max(1, min(blockRows, 1024 / columns));
  for (let r = 0; r < rows; r += few) {
    const at = row * r;
    blockGradient(dy + at, x + at, dx + at, mean, factor, constant, slope, min(few, rows - r), columns);
  }
}
