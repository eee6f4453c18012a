// AssemblyScript.
import { storeIntegers, storeLevels } from './convert';

/** Level × 257 rounded to 16 bits, then back to 8 bits, rounded. */
// @ts-ignore: decorator
@inline
function throughQuantum(sum: v128): v128 {
  const quantum = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.mul(sum, f32x4.splat(257)), f32x4.splat(0.5)));
  const raised = i32x4.add(quantum, i32x4.splat(128));
  return i32x4.shr_s(i32x4.sub(raised, i32x4.shr_s(raised, 8)), 8);
}

/**
 * out = sum of weight_i × x(k + offset_i) + bias for every element k of rows × length, x a padded array of `stride`
 * elements a row. The sums are truncated to levels, or with `quantum` rounded as ImageMagick does. Reads and writes up
 * to 15 elements past the end of a row.
 */
export function weightedRay(
  x: usize,
  out: usize,
  rows: u32,
  length: u32,
  stride: u32,
  weights: usize,
  offsets: usize,
  count: u32,
  bias: f32,
  quantum: bool,
): void {
  const end = weights + (<usize>count << 2);
  for (let y: u32 = 0; y < rows; y++) {
    for (let k: usize = 0; k < length; k += 16) {
      let a = f32x4.splat(bias);
      let b = a;
      let c = a;
      let d = a;
      const from = x + (k << 2);
      let offset = offsets;
      for (let weight = weights; weight < end; weight += 4) {
        const at = from + <usize>(<isize>load<i32>(offset) << 2);
        const w = v128.load32_splat(weight);
        a = f32x4.add(a, f32x4.mul(w, v128.load(at)));
        b = f32x4.add(b, f32x4.mul(w, v128.load(at, 16)));
        c = f32x4.add(c, f32x4.mul(w, v128.load(at, 32)));
        d = f32x4.add(d, f32x4.mul(w, v128.load(at, 48)));
        offset += 4;
      }
      const to = out + k;
      if (quantum) {
        storeIntegers(to, throughQuantum(a));
        storeIntegers(to + 4, throughQuantum(b));
        storeIntegers(to + 8, throughQuantum(c));
        storeIntegers(to + 12, throughQuantum(d));
      } else {
        storeLevels(to, a);
        storeLevels(to + 4, b);
        storeLevels(to + 8, c);
        storeLevels(to + 12, d);
      }
    }
    x += <usize>stride << 2;
    out += length;
  }
}
