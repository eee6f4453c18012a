// AssemblyScript. Rows normalized one by one, y = (x − μ) r · scale + offset with r = 1 / √(σ² + ε), and its gradient.
import { loadLanes, storeLanes } from './lanes';

const blockRows: i32 = 64;

// @ts-ignore: decorator
@inline
function total(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The mean of n values. */
function meanOf(x: usize, n: i32): f32 {
  let a = f32x4.splat(0), b = a;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    a = f32x4.add(a, v128.load(x + (<usize>i << 2)));
    b = f32x4.add(b, v128.load(x + (<usize>i << 2), 16));
  }
  for (; i < n; i += 4) a = f32x4.add(a, loadLanes(x + (<usize>i << 2), n - i));
  return total(f32x4.add(a, b)) / <f32>n;
}

/** 1 / √(the mean of (x − mean)² + epsilon) */
function reciprocalOf(x: usize, n: i32, mean: f32, epsilon: f32): f32 {
  const m = f32x4.splat(mean);
  let a = f32x4.splat(0), b = a;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const d = f32x4.sub(v128.load(x + (<usize>i << 2)), m), e = f32x4.sub(v128.load(x + (<usize>i << 2), 16), m);
    a = f32x4.add(a, f32x4.mul(d, d));
    b = f32x4.add(b, f32x4.mul(e, e));
  }
  let sum = total(f32x4.add(a, b));
  for (; i < n; i++) {
    const d = load<f32>(x + (<usize>i << 2)) - mean;
    sum += d * d;
  }
  return 1 / sqrt(sum / <f32>n + epsilon);
}

export function layerNormalization(
  x: usize, scale: usize, offset: usize, y: usize, rows: i32, columns: i32, epsilon: f32,
): void {
  const row = <usize>columns << 2;
  for (let r = 0; r < rows; r++) {
    const mean = meanOf(x, columns);
    const m = f32x4.splat(mean), factor = f32x4.splat(reciprocalOf(x, columns, mean, epsilon));
    for (let i = 0; i < columns; i += 4) {
      const at = <usize>i << 2, lanes = columns - i;
      const normalized = f32x4.mul(f32x4.sub(loadLanes(x + at, lanes), m), factor);
      const scaled = f32x4.mul(normalized, loadLanes(scale + at, lanes));
      storeLanes(y + at, f32x4.add(scaled, loadLanes(offset + at, lanes)), lanes);
    }
    x += row;
    y += row;
  }
}

/** Adds sums of a block of rows to float64 totals, and begins them anew. */
function addToTotals(sums: usize, totals: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const to = totals + (<usize>i << 3), from = sums + (<usize>i << 2);
    store<f64>(to, load<f64>(to) + load<f32>(from));
    store<f32>(from, 0);
  }
}

/**
 * dx = r (g − mean(g) − x̂ mean(g x̂)) with g = dy · scale and x̂ = (x − μ) r; dScale = Σ dy x̂ and dOffset = Σ dy over rows.
 * `scratch` has room for two float64 and two float32 a column.
 */
export function layerNormalizationBackward(
  dy: usize, x: usize, scale: usize, dx: usize, dScale: usize, dOffset: usize, scratch: usize,
  rows: i32, columns: i32, epsilon: f32,
): void {
  const row = <usize>columns << 2;
  const totals = scratch, sums = scratch + 4 * row;
  memory.fill(scratch, 0, 6 * row);
  for (let r = 0; r < rows; r++) {
    const mean = meanOf(x, columns), reciprocal = reciprocalOf(x, columns, mean, epsilon);
    const m = f32x4.splat(mean), factor = f32x4.splat(reciprocal);
    let g = f32x4.splat(0), gx = g;
    for (let i = 0; i < columns; i += 4) {
      const at = <usize>i << 2, lanes = columns - i;
      const d = loadLanes(dy + at, lanes);
      // Lanes beyond the end have d = 0.
      const normalized = f32x4.mul(f32x4.sub(loadLanes(x + at, lanes), m), factor);
      const product = f32x4.mul(d, normalized);
      storeLanes(sums + at, f32x4.add(loadLanes(sums + at, lanes), product), lanes);
      storeLanes(sums + row + at, f32x4.add(loadLanes(sums + row + at, lanes), d), lanes);
      const s = loadLanes(scale + at, lanes);
      g = f32x4.add(g, f32x4.mul(d, s));
      gx = f32x4.add(gx, f32x4.mul(product, s));
    }
    const meanG = f32x4.splat(total(g) / <f32>columns), meanGx = f32x4.splat(total(gx) / <f32>columns);
    for (let i = 0; i < columns; i += 4) {
      const at = <usize>i << 2, lanes = columns - i;
      let v = f32x4.mul(loadLanes(dy + at, lanes), loadLanes(scale + at, lanes));
      const normalized = f32x4.mul(f32x4.sub(loadLanes(x + at, lanes), m), factor);
      v = f32x4.sub(f32x4.sub(v, meanG), f32x4.mul(normalized, meanGx));
      storeLanes(dx + at, f32x4.mul(v, factor), lanes);
    }
    if ((r + 1) % blockRows == 0 || r + 1 == rows) addToTotals(sums, totals, 2 * columns);
    x += row;
    dy += row;
    dx += row;
  }
  for (let i: usize = 0; i < <usize>columns; i++) {
    store<f32>(dScale + (i << 2), <f32>load<f64>(totals + (i << 3)));
    store<f32>(dOffset + (i << 2), <f32>load<f64>(totals + 2 * row + (i << 3)));
  }
}
