// AssemblyScript. A tensor is seen as [outer, channels, inner]; element (o, c, i) has the step of channel c.

/** s_eff = max(|s|, 1e-8); a NaN stays. */
// @ts-ignore: decorator
@inline
function effective(step: v128): v128 {
  return f32x4.pmax(f32x4.abs(step), f32x4.splat(1e-8));
}

/** q = roundHalfToEven(clip(z, qn, qp)); pmin and pmax keep their first operand where it is a NaN. */
// @ts-ignore: decorator
@inline
function code(z: v128, qn: v128, qp: v128): v128 {
  return f32x4.nearest(f32x4.pmax(f32x4.pmin(z, qp), qn));
}

// @ts-ignore: decorator
@inline
function forward(x: v128, scale: v128, qn: v128, qp: v128): v128 {
  return f32x4.mul(code(f32x4.div(x, scale), qn, qp), scale);
}

/** One run of n elements that share a step. */
function forwardRun(x: usize, y: usize, n: u32, step: f32, qnScalar: f32, qpScalar: f32): void {
  const scale = effective(f32x4.splat(step));
  const qn = f32x4.splat(qnScalar);
  const qp = f32x4.splat(qpScalar);
  const end = x + (<usize>n << 2);
  while (x + 64 <= end) {
    v128.store(y, forward(v128.load(x), scale, qn, qp));
    v128.store(y, forward(v128.load(x, 16), scale, qn, qp), 16);
    v128.store(y, forward(v128.load(x, 32), scale, qn, qp), 32);
    v128.store(y, forward(v128.load(x, 48), scale, qn, qp), 48);
    x += 64;
    y += 64;
  }
  while (x < end) {
    v128.store_lane<f32>(y, forward(v128.load_zero<f32>(x), scale, qn, qp), 0);
    x += 4;
    y += 4;
  }
}

/** One row of n elements, each with a step of its own. */
function forwardRow(x: usize, step: usize, y: usize, n: u32, qnScalar: f32, qpScalar: f32): void {
  const qn = f32x4.splat(qnScalar);
  const qp = f32x4.splat(qpScalar);
  const end = x + (<usize>n << 2);
  while (x + 16 <= end) {
    v128.store(y, forward(v128.load(x), effective(v128.load(step)), qn, qp));
    x += 16;
    y += 16;
    step += 16;
  }
  while (x < end) {
    v128.store_lane<f32>(y, forward(v128.load_zero<f32>(x), effective(v128.load_zero<f32>(step)), qn, qp), 0);
    x += 4;
    y += 4;
    step += 4;
  }
}

export function fakeQuantForward(
  x: usize,
  step: usize,
  y: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  qn: f32,
  qp: f32,
): void {
  const row = <usize>(inner == 1 ? channels : inner) << 2;
  for (let o: u32 = 0; o < outer; o++) {
    if (inner == 1 && channels > 1) {
      forwardRow(x, step, y, channels, qn, qp);
      x += row;
      y += row;
    } else {
      for (let c: u32 = 0; c < channels; c++) {
        forwardRun(x, y, inner, load<f32>(step + (<usize>c << 2)), qn, qp);
        x += row;
        y += row;
      }
    }
  }
}

/** Ones where the gradient passes: z in the open interval (low, high). */
// @ts-ignore: decorator
@inline
function inside(z: v128, low: v128, high: v128): v128 {
  return v128.and(f32x4.gt(z, low), f32x4.lt(z, high));
}

/** dx = dy * [inside]. */
// @ts-ignore: decorator
@inline
function inputGradient(dy: v128, mask: v128): v128 {
  return f32x4.mul(dy, v128.and(f32x4.splat(1), mask));
}

/** dy * t with t = q - z inside and q elsewhere. */
// @ts-ignore: decorator
@inline
function term(dy: v128, z: v128, mask: v128, qn: v128, qp: v128): v128 {
  return f32x4.mul(dy, f32x4.sub(code(z, qn, qp), v128.and(z, mask)));
}

// @ts-ignore: decorator
@inline
function widenLow(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

// @ts-ignore: decorator
@inline
function widenHigh(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 0, 1));
}

/** The run's dx, and the sum of its terms: float32 over 16 terms a lane, float64 beyond. */
function backwardRun(
  dy: usize,
  x: usize,
  dx: usize,
  n: u32,
  step: f32,
  qnScalar: f32,
  qpScalar: f32,
  lowScalar: f32,
  highScalar: f32,
): f64 {
  const scale = effective(f32x4.splat(step));
  const qn = f32x4.splat(qnScalar);
  const qp = f32x4.splat(qpScalar);
  const low = f32x4.splat(lowScalar);
  const high = f32x4.splat(highScalar);
  const end = x + (<usize>n << 2);
  let total = f64x2.splat(0);
  while (x + 16 <= end) {
    let left = min<usize>((end - x) >> 4, 32);
    let even = f32x4.splat(0);
    let odd = f32x4.splat(0);
    while (left >= 2) {
      const d0 = v128.load(dy);
      const z0 = f32x4.div(v128.load(x), scale);
      const mask0 = inside(z0, low, high);
      const d1 = v128.load(dy, 16);
      const z1 = f32x4.div(v128.load(x, 16), scale);
      const mask1 = inside(z1, low, high);
      v128.store(dx, inputGradient(d0, mask0));
      v128.store(dx, inputGradient(d1, mask1), 16);
      even = f32x4.add(even, term(d0, z0, mask0, qn, qp));
      odd = f32x4.add(odd, term(d1, z1, mask1, qn, qp));
      dy += 32;
      x += 32;
      dx += 32;
      left -= 2;
    }
    if (left) {
      const d = v128.load(dy);
      const z = f32x4.div(v128.load(x), scale);
      const mask = inside(z, low, high);
      v128.store(dx, inputGradient(d, mask));
      even = f32x4.add(even, term(d, z, mask, qn, qp));
      dy += 16;
      x += 16;
      dx += 16;
    }
    const sum = f32x4.add(even, odd);
    total = f64x2.add(total, f64x2.add(widenLow(sum), widenHigh(sum)));
  }
  let sum = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
  while (x < end) {
    const d = v128.load_zero<f32>(dy);
    const z = f32x4.div(v128.load_zero<f32>(x), scale);
    const mask = inside(z, low, high);
    v128.store_lane<f32>(dx, inputGradient(d, mask), 0);
    sum += <f64>f32x4.extract_lane(term(d, z, mask, qn, qp), 0);
    dy += 4;
    x += 4;
    dx += 4;
  }
  return sum;
}

/** As backwardRun for up to 16 rows in which each element has a step of its own; adds to one sum an element. */
function backwardRows(
  dyRow: usize,
  xRow: usize,
  step: usize,
  dxRow: usize,
  sums: usize,
  rows: u32,
  channels: u32,
  qnScalar: f32,
  qpScalar: f32,
  lowScalar: f32,
  highScalar: f32,
): void {
  const qn = f32x4.splat(qnScalar);
  const qp = f32x4.splat(qpScalar);
  const low = f32x4.splat(lowScalar);
  const high = f32x4.splat(highScalar);
  const pitch = <usize>channels << 2;
  let at: usize = 0;
  while (at + 16 <= pitch) {
    const scale = effective(v128.load(step + at));
    let dy = dyRow + at;
    let x = xRow + at;
    let dx = dxRow + at;
    let sum = f32x4.splat(0);
    for (let r: u32 = 0; r < rows; r++) {
      const d = v128.load(dy);
      const z = f32x4.div(v128.load(x), scale);
      const mask = inside(z, low, high);
      v128.store(dx, inputGradient(d, mask));
      sum = f32x4.add(sum, term(d, z, mask, qn, qp));
      dy += pitch;
      x += pitch;
      dx += pitch;
    }
    const to = sums + (at << 1);
    v128.store(to, f64x2.add(v128.load(to), widenLow(sum)));
    v128.store(to, f64x2.add(v128.load(to, 16), widenHigh(sum)), 16);
    at += 16;
  }
  while (at < pitch) {
    const scale = effective(v128.load_zero<f32>(step + at));
    let sum: f64 = 0;
    for (let r: u32 = 0; r < rows; r++) {
      const from = <usize>r * pitch + at;
      const d = v128.load_zero<f32>(dyRow + from);
      const z = f32x4.div(v128.load_zero<f32>(xRow + from), scale);
      const mask = inside(z, low, high);
      v128.store_lane<f32>(dxRow + from, inputGradient(d, mask), 0);
      sum += <f64>f32x4.extract_lane(term(d, z, mask, qn, qp), 0);
    }
    const to = sums + (at << 1);
    store<f64>(to, load<f64>(to) + sum);
    at += 4;
  }
}

/** `sums` is scratch of one float64 a channel. */
export function fakeQuantBackward(
  dy: usize,
  x: usize,
  step: usize,
  dx: usize,
  dStep: usize,
  sums: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  qn: f32,
  qp: f32,
  low: f32,
  high: f32,
  gradientScale: f64,
): void {
  for (let c: u32 = 0; c < channels; c++) store<f64>(sums + (<usize>c << 3), 0);
  if (inner == 1 && channels > 1) {
    for (let o: u32 = 0; o < outer; o += 16) {
      const rows = min<u32>(outer - o, 16);
      backwardRows(dy, x, step, dx, sums, rows, channels, qn, qp, low, high);
      const block = (<usize>rows * <usize>channels) << 2;
      dy += block;
      x += block;
      dx += block;
    }
  } else {
    const run = <usize>inner << 2;
    for (let o: u32 = 0; o < outer; o++)
      for (let c: u32 = 0; c < channels; c++) {
        const to = sums + (<usize>c << 3);
        const sum = backwardRun(dy, x, dx, inner, load<f32>(step + (<usize>c << 2)), qn, qp, low, high);
        store<f64>(to, load<f64>(to) + sum);
        dy += run;
        x += run;
        dx += run;
      }
  }
  for (let c: u32 = 0; c < channels; c++) {
    const s = <f64>load<f32>(step + (<usize>c << 2));
    const sign: f64 = s > 0 ? 1 : s < 0 ? -1 : s;
    store<f32>(dStep + (<usize>c << 2), <f32>(load<f64>(sums + (<usize>c << 3)) * sign * gradientScale));
  }
}
