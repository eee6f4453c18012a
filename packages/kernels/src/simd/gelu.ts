// AssemblyScript. y = x Φ(x) and dx = dy (Φ(x) + x φ(x)), with Φ by Abramowitz and Stegun 7.1.26, which tfjs's erf is too.
import { loadLanes, storeLanes } from './lanes';

/** e^−u for u ≥ 0, to a rounding or two: 2ⁿ times the series of e^f, |f| ≤ ln 2 / 2. */
// @ts-ignore: decorator
@inline
function expOfMinus(u: v128): v128 {
  const x = f32x4.neg(f32x4.min(u, f32x4.splat(87)));
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.4426950408889634)));
  // ln 2 in two parts, of which the first has few digits, so that n times it is exact.
  let f = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  f = f32x4.add(f, f32x4.mul(n, f32x4.splat(2.1219444005469057e-4)));
  let p = f32x4.splat(1.0 / 5040);
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1.0 / 720));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1.0 / 120));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1.0 / 24));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1.0 / 6));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.5));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

/** Φ(x), given e^(−x²/2). */
// @ts-ignore: decorator
@inline
function normalCdf(x: v128, e: v128): v128 {
  const one = f32x4.splat(1);
  const z = f32x4.mul(f32x4.abs(x), f32x4.splat(0.7071067811865476));
  const t = f32x4.div(one, f32x4.add(one, f32x4.mul(z, f32x4.splat(0.3275911))));
  let p = f32x4.splat(1.061405429);
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-1.453152027));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.421413741));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.284496736));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.254829592));
  const tail = f32x4.mul(f32x4.mul(f32x4.mul(p, t), e), f32x4.splat(0.5));
  return v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
function density(x: v128): v128 {
  return expOfMinus(f32x4.mul(f32x4.mul(x, x), f32x4.splat(0.5)));
}

export function gelu(x: usize, y: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, lanes = n - i;
    const v = loadLanes(x + at, lanes);
    storeLanes(y + at, f32x4.mul(v, normalCdf(v, density(v))), lanes);
  }
}

export function geluBackward(dy: usize, x: usize, dx: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, lanes = n - i;
    const v = loadLanes(x + at, lanes), e = density(v);
    const slope = f32x4.add(normalCdf(v, e), f32x4.mul(f32x4.mul(v, e), f32x4.splat(0.3989422804014327)));
    storeLanes(dx + at, f32x4.mul(loadLanes(dy + at, lanes), slope), lanes);
  }
}
