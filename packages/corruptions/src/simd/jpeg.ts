// AssemblyScript. What ../digital/jpeg/blocks.ts does, four columns of a block at a time; the same integers.
import { storeIntegers } from './convert';

/** The block: 8 rows of two vectors. */
const block = memory.data(256);

// @ts-ignore: decorator
@inline
function times(v: v128, factor: i32): v128 {
  return i32x4.mul(v, i32x4.splat(factor));
}

// @ts-ignore: decorator
@inline
function descale(v: v128, bits: i32): v128 {
  return i32x4.shr_s(i32x4.add(v, i32x4.splat(1 << (bits - 1))), bits);
}

/** Swaps rows and columns of the block. */
function transpose(): void {
  transposeQuarter(0, 0);
  transposeQuarter(16 + 128, 16 + 128);
  // The two outer quarters also change places, so both are read before either is written.
  const a0 = v128.load(block + 16);
  const a1 = v128.load(block + 48);
  const a2 = v128.load(block + 80);
  const a3 = v128.load(block + 112);
  transposeQuarter(128, 16);
  storeTransposed(128, a0, a1, a2, a3);
}

// @ts-ignore: decorator
@inline
function transposeQuarter(from: usize, to: usize): void {
  const at = block + from;
  storeTransposed(to, v128.load(at), v128.load(at, 32), v128.load(at, 64), v128.load(at, 96));
}

// @ts-ignore: decorator
@inline
function storeTransposed(to: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const p0 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
  const p1 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const p2 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const p3 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  const at = block + to;
  v128.store(at, v128.shuffle<i64>(p0, p2, 0, 2));
  v128.store(at, v128.shuffle<i64>(p0, p2, 1, 3), 32);
  v128.store(at, v128.shuffle<i64>(p1, p3, 0, 2), 64);
  v128.store(at, v128.shuffle<i64>(p1, p3, 1, 3), 96);
}

/** One pass of the forward transform down four columns; `first` keeps two more bits. */
function forward(at: usize, first: bool): void {
  const x0 = v128.load(at);
  const x1 = v128.load(at, 32);
  const x2 = v128.load(at, 64);
  const x3 = v128.load(at, 96);
  const x4 = v128.load(at, 128);
  const x5 = v128.load(at, 160);
  const x6 = v128.load(at, 192);
  const x7 = v128.load(at, 224);
  const s07 = i32x4.add(x0, x7);
  const d07 = i32x4.sub(x0, x7);
  const s16 = i32x4.add(x1, x6);
  const d16 = i32x4.sub(x1, x6);
  const s25 = i32x4.add(x2, x5);
  const d25 = i32x4.sub(x2, x5);
  const s34 = i32x4.add(x3, x4);
  const d34 = i32x4.sub(x3, x4);
  const outer = i32x4.add(s07, s34);
  const outerDifference = i32x4.sub(s07, s34);
  const inner = i32x4.add(s16, s25);
  const innerDifference = i32x4.sub(s16, s25);
  const sum = i32x4.add(outer, inner);
  const difference = i32x4.sub(outer, inner);
  const bits = first ? 11 : 15;
  v128.store(at, first ? i32x4.shl(sum, 2) : descale(sum, 2));
  v128.store(at, first ? i32x4.shl(difference, 2) : descale(difference, 2), 128);
  const even = times(i32x4.add(innerDifference, outerDifference), 4433);
  v128.store(at, descale(i32x4.add(even, times(outerDifference, 6270)), bits), 64);
  v128.store(at, descale(i32x4.sub(even, times(innerDifference, 15137)), bits), 192);
  const z1 = times(i32x4.add(d34, d07), -7373);
  const z2 = times(i32x4.add(d25, d16), -20995);
  const s3 = i32x4.add(d34, d16);
  const s4 = i32x4.add(d25, d07);
  const z5 = times(i32x4.add(s3, s4), 9633);
  const z3 = i32x4.sub(z5, times(s3, 16069));
  const z4 = i32x4.sub(z5, times(s4, 3196));
  v128.store(at, descale(i32x4.add(i32x4.add(times(d34, 2446), z1), z3), bits), 224);
  v128.store(at, descale(i32x4.add(i32x4.add(times(d25, 16819), z2), z4), bits), 160);
  v128.store(at, descale(i32x4.add(i32x4.add(times(d16, 25172), z2), z3), bits), 96);
  v128.store(at, descale(i32x4.add(i32x4.add(times(d07, 12299), z1), z4), bits), 32);
}

/** One pass of the inverse transform down four columns. */
function inverse(at: usize, bits: i32): void {
  const c1 = v128.load(at, 32);
  const c2 = v128.load(at, 64);
  const c3 = v128.load(at, 96);
  const c5 = v128.load(at, 160);
  const c6 = v128.load(at, 192);
  const c7 = v128.load(at, 224);
  const even = times(i32x4.add(c2, c6), 4433);
  const low = i32x4.sub(even, times(c6, 15137));
  const high = i32x4.add(even, times(c2, 6270));
  const sum = i32x4.shl(i32x4.add(v128.load(at), v128.load(at, 128)), 13);
  const difference = i32x4.shl(i32x4.sub(v128.load(at), v128.load(at, 128)), 13);
  const e0 = i32x4.add(sum, high);
  const e3 = i32x4.sub(sum, high);
  const e1 = i32x4.add(difference, low);
  const e2 = i32x4.sub(difference, low);
  const z1 = times(i32x4.add(c7, c1), -7373);
  const z2 = times(i32x4.add(c5, c3), -20995);
  const s3 = i32x4.add(c7, c3);
  const s4 = i32x4.add(c5, c1);
  const z5 = times(i32x4.add(s3, s4), 9633);
  const z3 = i32x4.sub(z5, times(s3, 16069));
  const z4 = i32x4.sub(z5, times(s4, 3196));
  const o0 = i32x4.add(i32x4.add(times(c7, 2446), z1), z3);
  const o1 = i32x4.add(i32x4.add(times(c5, 16819), z2), z4);
  const o2 = i32x4.add(i32x4.add(times(c3, 25172), z2), z3);
  const o3 = i32x4.add(i32x4.add(times(c1, 12299), z1), z4);
  v128.store(at, descale(i32x4.add(e0, o3), bits));
  v128.store(at, descale(i32x4.sub(e0, o3), bits), 224);
  v128.store(at, descale(i32x4.add(e1, o2), bits), 32);
  v128.store(at, descale(i32x4.sub(e1, o2), bits), 192);
  v128.store(at, descale(i32x4.add(e2, o1), bits), 64);
  v128.store(at, descale(i32x4.sub(e2, o1), bits), 160);
  v128.store(at, descale(i32x4.add(e3, o0), bits), 96);
  v128.store(at, descale(i32x4.sub(e3, o0), bits), 128);
}

/** Rounds the block to multiples of a table of 64 f32, halves away from zero; its elements are 8 times too large. */
function quantize(table: usize): void {
  const half = f32x4.splat(0.5);
  const signs = i32x4.splat(0x80000000);
  for (let i: usize = 0; i < 256; i += 16) {
    const q = v128.load(table + i);
    const n = f32x4.convert_i32x4_s(v128.load(block + i));
    // The quotient of integers below 2^17 by one below 2^11: float32 never rounds it across a half.
    const ratio = f32x4.div(f32x4.mul(f32x4.abs(n), f32x4.splat(0.125)), q);
    const code = f32x4.floor(f32x4.add(ratio, half));
    const signed = v128.or(f32x4.mul(code, q), v128.and(n, signs));
    v128.store(block + i, i32x4.trunc_sat_f32x4_s(signed));
  }
}

/** Codes and decodes a plane of samples, padded to whole blocks by its last column and row. */
export function codePlane(samples: usize, out: usize, height: i32, width: i32, table: usize): void {
  const centre = i32x4.splat(128);
  for (let top = 0; top < height; top += 8)
    for (let left = 0; left < width; left += 8) {
      const whole = left + 8 <= width;
      for (let y = 0; y < 8; y++) {
        const row = samples + <usize>(min(top + y, height - 1) * width);
        const to = block + (<usize>y << 5);
        if (whole) {
          const words = i16x8.extend_low_i8x16_u(v128.load64_zero(row + left));
          v128.store(to, i32x4.sub(i32x4.extend_low_i16x8_u(words), centre));
          v128.store(to, i32x4.sub(i32x4.extend_high_i16x8_u(words), centre), 16);
        } else
          for (let x = 0; x < 8; x++)
            store<i32>(to + (<usize>x << 2), <i32>load<u8>(row + min(left + x, width - 1)) - 128);
      }
      transpose();
      forward(block, true);
      forward(block + 16, true);
      transpose();
      forward(block, false);
      forward(block + 16, false);
      quantize(table);
      inverse(block, 11);
      inverse(block + 16, 11);
      transpose();
      inverse(block, 18);
      inverse(block + 16, 18);
      transpose();
      const bottom = min(8, height - top);
      for (let y = 0; y < bottom; y++) {
        const to = out + <usize>((top + y) * width + left);
        const from = block + (<usize>y << 5);
        if (whole) {
          storeIntegers(to, i32x4.add(v128.load(from), centre));
          storeIntegers(to + 4, i32x4.add(v128.load(from, 16), centre));
        } else
          for (let x = 0; x < width - left; x++)
            store<u8>(to + x, <u8>max(0, min(255, load<i32>(from + (<usize>x << 2)) + 128)));
      }
    }
}
