// AssemblyScript. out[o, c] = scale · Σ_r x[o, r, c]: float32 inside a block of rows, float64 from block to block, so
// that a small number is never added to a sum of millions.

const blockRows: i32 = 64;

/** Σ of n values that lie beside one another. */
function sumRun(x: usize, n: i32): f64 {
  let total: f64 = 0;
  const end = x + (<usize>n << 2);
  while (x + 16 <= end) {
    const zero = f32x4.splat(0);
    let a = zero, b = zero, c = zero, d = zero;
    const stop = min(x + 4096, end);
    while (x + 64 <= stop) {
      a = f32x4.add(a, v128.load(x));
      b = f32x4.add(b, v128.load(x, 16));
      c = f32x4.add(c, v128.load(x, 32));
      d = f32x4.add(d, v128.load(x, 48));
      x += 64;
    }
    while (x + 16 <= stop) {
      a = f32x4.add(a, v128.load(x));
      x += 16;
    }
    a = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    const low = f64x2.promote_low_f32x4(a);
    const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(a, a, 2, 3, 0, 1));
    const pair = f64x2.add(low, high);
    total += f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
  }
  for (; x < end; x += 4) total += load<f32>(x);
  return total;
}

/** Adds four sums to four totals. */
// @ts-ignore: decorator
@inline
function addTotals(totals: usize, s: v128): void {
  v128.store(totals, f64x2.add(v128.load(totals), f64x2.promote_low_f32x4(s)));
  const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(s, s, 2, 3, 0, 1));
  v128.store(totals, f64x2.add(v128.load(totals, 16), high), 16);
}

/** Adds the rows of a block to the totals, sixteen columns at a time. */
function addRows(x: usize, totals: usize, rows: i32, columns: i32): void {
  const step = <usize>columns << 2;
  const bytes = <usize>rows * step;
  let c = 0;
  for (; c + 16 <= columns; c += 16) {
    const zero = f32x4.splat(0);
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    const start = x + (<usize>c << 2);
    for (let p = start, end = start + bytes; p < end; p += step) {
      s0 = f32x4.add(s0, v128.load(p));
      s1 = f32x4.add(s1, v128.load(p, 16));
      s2 = f32x4.add(s2, v128.load(p, 32));
      s3 = f32x4.add(s3, v128.load(p, 48));
    }
    const to = totals + (<usize>c << 3);
    addTotals(to, s0);
    addTotals(to + 32, s1);
    addTotals(to + 64, s2);
    addTotals(to + 96, s3);
  }
  for (; c + 4 <= columns; c += 4) {
    let s = f32x4.splat(0);
    const start = x + (<usize>c << 2);
    for (let p = start, end = start + bytes; p < end; p += step) s = f32x4.add(s, v128.load(p));
    addTotals(totals + (<usize>c << 3), s);
  }
  for (; c < columns; c++) {
    let s: f64 = 0;
    const start = x + (<usize>c << 2);
    for (let p = start, end = start + bytes; p < end; p += step) s += load<f32>(p);
    const to = totals + (<usize>c << 3);
    store<f64>(to, load<f64>(to) + s);
  }
}

/** `totals` has room for a float64 a column. */
export function sum(x: usize, out: usize, totals: usize, outer: i32, rows: i32, columns: i32, scale: f64): void {
  const row = <usize>columns << 2;
  for (let o = 0; o < outer; o++) {
    if (columns == 1) store<f32>(out, <f32>(sumRun(x, rows) * scale));
    else {
      memory.fill(totals, 0, row << 1);
      for (let r = 0; r < rows; r += blockRows) addRows(x + <usize>r * row, totals, min(blockRows, rows - r), columns);
      for (let c: usize = 0; c < <usize>columns; c++)
        store<f32>(out + (c << 2), <f32>(load<f64>(totals + (c << 3)) * scale));
    }
    x += row * rows;
    out += row;
  }
}
