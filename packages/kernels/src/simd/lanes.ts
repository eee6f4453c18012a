// AssemblyScript. The last vector of a row, which may be shorter than four.

/** Up to four values from p on, zeros behind them. */
// @ts-ignore: decorator
@inline
export function loadLanes(p: usize, lanes: i32): v128 {
  if (lanes >= 4) return v128.load(p);
  if (lanes == 1) return v128.load32_zero(p);
  const low = v128.load64_zero(p);
  return lanes == 2 ? low : v128.load_lane<f32>(p, low, 2, 8);
}

/** Writes the first one to four values of v. */
// @ts-ignore: decorator
@inline
export function storeLanes(p: usize, v: v128, lanes: i32): void {
  if (lanes >= 4) v128.store(p, v);
  else if (lanes == 1) v128.store_lane<f32>(p, v, 0);
  else {
    v128.store_lane<i64>(p, v, 0);
    if (lanes == 3) v128.store_lane<f32>(p, v, 2, 8);
  }
}

/** Adds up to four values to those from p on. */
// @ts-ignore: decorator
@inline
export function addLanes(p: usize, v: v128, lanes: i32): void {
  storeLanes(p, f32x4.add(loadLanes(p, lanes), v), lanes);
}
