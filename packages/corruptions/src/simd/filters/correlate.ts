// AssemblyScript of filters/correlate.ts.
import { fourOfPairs, storeIntegers, storeSixteen } from '../images/levels';

/**
 * Rows of an image, continued beyond its border: `rows` tells the source row of each of `height`, `columns` the source
 * column of each of before + width + after pixels, of which `width` from `before` on are the row itself.
 */
export function bordered(
  from: usize,
  to: usize,
  rows: usize,
  height: u32,
  columns: usize,
  before: u32,
  width: u32,
  after: u32,
  channels: u32,
): void {
  const rowBytes = width * channels;
  for (let y: u32 = 0; y < height; y++) {
    const row = from + load<u32>(rows + (<usize>y << 2)) * rowBytes;
    to = pixelsAt(row, to, columns, before, channels);
    memory.copy(to, row, rowBytes);
    to = pixelsAt(row, to + rowBytes, columns + (<usize>(before + width) << 2), after, channels);
  }
}

/** Single pixels of a row, picked by index; where they end. */
function pixelsAt(row: usize, to: usize, columns: usize, count: u32, channels: u32): usize {
  for (let x: u32 = 0; x < count; x++) {
    const at = row + load<u32>(columns + (<usize>x << 2)) * channels;
    for (let c: u32 = 0; c < channels; c++) {
      store<u8>(to, load<u8>(at + c));
      to++;
    }
  }
  return to;
}

/** Level × 257 rounded to 16 bits, then back to 8 bits, rounded. */
// @ts-ignore: decorator
@inline
function throughQuantum(sum: v128): v128 {
  const quantum = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.mul(sum, f32x4.splat(257)), f32x4.splat(0.5)));
  const raised = i32x4.add(quantum, i32x4.splat(128));
  return i32x4.shr_s(i32x4.sub(raised, i32x4.shr_s(raised, 8)), 8);
}

/**
 * out = sum of weight_i × x(k + offset_i) for every element k of rows × length, x a padded array of `stride` f32 a row: as
 * levels, rounded like ImageMagick's, with `quantum`, else as f32. Reads and writes up to 15 elements past the end of a row.
 */
export function correlatedInFloats(
  x: usize,
  out: usize,
  rows: u32,
  length: u32,
  stride: u32,
  weights: usize,
  offsets: usize,
  count: u32,
  quantum: bool,
): void {
  const end = weights + (<usize>count << 2);
  for (let y: u32 = 0; y < rows; y++) {
    for (let k: usize = 0; k < length; k += 16) {
      let a = f32x4.splat(0);
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
      if (quantum) storeSixteen(out + k, throughQuantum(a), throughQuantum(b), throughQuantum(c), throughQuantum(d));
      else {
        const to = out + (k << 2);
        v128.store(to, a);
        v128.store(to, b, 16);
        v128.store(to, c, 32);
        v128.store(to, d, 48);
      }
    }
    x += <usize>stride << 2;
    out += quantum ? length : length << 2;
  }
}

/**
 * As `correlatedInFloats`, in float64 with f64 weights, as levels clipped and truncated: the sums of `correlated` in
 * filters/correlate.ts bit for bit, which decide where a constant area falls. Four elements at a time.
 */
export function correlatedInDoubles(
  x: usize,
  out: usize,
  rows: u32,
  length: u32,
  stride: u32,
  weights: usize,
  offsets: usize,
  count: u32,
): void {
  const end = weights + (<usize>count << 3);
  for (let y: u32 = 0; y < rows; y++) {
    for (let k: usize = 0; k < length; k += 4) {
      let a = f64x2.splat(0);
      let b = a;
      const from = x + (k << 2);
      let offset = offsets;
      for (let weight = weights; weight < end; weight += 8) {
        const at = from + <usize>(<isize>load<i32>(offset) << 2);
        const w = v128.load64_splat(weight);
        a = f64x2.add(a, f64x2.mul(w, f64x2.promote_low_f32x4(v128.load64_zero(at))));
        b = f64x2.add(b, f64x2.mul(w, f64x2.promote_low_f32x4(v128.load64_zero(at, 8))));
        offset += 4;
      }
      storeIntegers(out + k, fourOfPairs(a, b));
    }
    x += <usize>stride << 2;
    out += length;
  }
}
