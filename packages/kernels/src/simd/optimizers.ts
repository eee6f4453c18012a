// AssemblyScript. A step of an optimizer over n parameters, every operation rounded as where it is one of tfjs's.
import { loadLanes, storeLanes } from './lanes';

/** accumulation′ = momentum · accumulation + gradient, value′ = factor · accumulation′ + value. */
export function momentum(
  value: usize, accumulation: usize, gradient: usize, newValue: usize, newAccumulation: usize,
  n: i32, momentum: f32, factor: f32,
): void {
  const m = f32x4.splat(momentum), c = f32x4.splat(factor);
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, lanes = n - i;
    const sum = f32x4.add(f32x4.mul(m, loadLanes(accumulation + at, lanes)), loadLanes(gradient + at, lanes));
    storeLanes(newAccumulation + at, sum, lanes);
    storeLanes(newValue + at, f32x4.add(f32x4.mul(c, sum), loadLanes(value + at, lanes)), lanes);
  }
}

/** With ḡ the gradient: m′ = β₁ m + (1 − β₁) ḡ, v′ = β₂ v + (1 − β₂) ḡ², value′ = factor · (m′ / c₁) / (√(v′ / c₂) + ε) + value. */
export function adam(
  value: usize, first: usize, second: usize, gradient: usize, newValue: usize, newFirst: usize, newSecond: usize,
  n: i32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, correction1: f32, correction2: f32, epsilon: f32, factor: f32,
): void {
  const b1 = f32x4.splat(beta1), r1 = f32x4.splat(rest1), b2 = f32x4.splat(beta2), r2 = f32x4.splat(rest2);
  const c1 = f32x4.splat(correction1), c2 = f32x4.splat(correction2);
  const e = f32x4.splat(epsilon), f = f32x4.splat(factor);
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, lanes = n - i;
    const g = loadLanes(gradient + at, lanes);
    const m = f32x4.add(f32x4.mul(loadLanes(first + at, lanes), b1), f32x4.mul(g, r1));
    const v = f32x4.add(f32x4.mul(loadLanes(second + at, lanes), b2), f32x4.mul(f32x4.mul(g, g), r2));
    storeLanes(newFirst + at, m, lanes);
    storeLanes(newSecond + at, v, lanes);
    const direction = f32x4.div(f32x4.div(m, c1), f32x4.add(f32x4.sqrt(f32x4.div(v, c2)), e));
    storeLanes(newValue + at, f32x4.add(f32x4.mul(direction, f), loadLanes(value + at, lanes)), lanes);
  }
}
