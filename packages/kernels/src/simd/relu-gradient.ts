// AssemblyScript. dx = dy where 0 < x < high, else 0; dy where x is NaN.
import { loadLanes, storeLanes } from './lanes';

export function reluBackward(dy: usize, x: usize, dx: usize, n: i32, high: f32): void {
  const low = f32x4.splat(0), top = f32x4.splat(high);
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, lanes = n - i;
    const v = loadLanes(x + at, lanes);
    const outside = v128.or(f32x4.le(v, low), f32x4.ge(v, top));
    storeLanes(dx + at, v128.andnot(loadLanes(dy + at, lanes), outside), lanes);
  }
}
