// AssemblyScript of digital/jpeg/blocks.ts: eight columns of a block at a time, the same integers.

/** The block: 8 rows of eight i16. */
const block = memory.data(128);

// Factors of the even and the odd elements, as dot products of pairs take them; in 13-bit fixed point. From memory: V8
// makes a constant vector in several steps.
const even2 = memory.data<i16>([4433 + 6270, 4433]);
const even6 = memory.data<i16>([4433, 4433 - 15137]);
const oddAC = memory.data<i16>([9633 - 16069, 9633]);
const oddBD = memory.data<i16>([9633, 9633 - 3196]);
const oddA = memory.data<i16>([2446 - 7373, -7373]);
const oddB = memory.data<i16>([16819 - 20995, -20995]);
const oddC = memory.data<i16>([-20995, 25172 - 20995]);
const oddD = memory.data<i16>([-7373, 12299 - 7373]);

/** The sums of pairs of elements times pairs of factors. */
// @ts-ignore: decorator
@inline
export function dot(pairs: v128, factors: usize): v128 {
  return i32x4.dot_i16x8_s(pairs, v128.load32_splat(factors));
}

/** The lower four elements of a and b in turn. */
// @ts-ignore: decorator
@inline
export function lower(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** The upper four elements of a and b in turn. */
// @ts-ignore: decorator
@inline
export function upper(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

// @ts-ignore: decorator
@inline
function descale(v: v128, bits: i32): v128 {
  return i32x4.shr_s(i32x4.add(v, i32x4.splat(1 << (bits - 1))), bits);
}

/** Eight i32, divided by 2^bits and rounded, as i16. */
// @ts-ignore: decorator
@inline
function words(low: v128, high: v128, bits: i32): v128 {
  return i16x8.narrow_i32x4_s(descale(low, bits), descale(high, bits));
}

/** Swaps rows and columns of the block. */
function transpose(): void {
  const r0 = v128.load(block);
  const r1 = v128.load(block, 16);
  const r2 = v128.load(block, 32);
  const r3 = v128.load(block, 48);
  const r4 = v128.load(block, 64);
  const r5 = v128.load(block, 80);
  const r6 = v128.load(block, 96);
  const r7 = v128.load(block, 112);
  // Pairs of rows, of pairs, of fours.
  const a0 = lower(r0, r1);
  const a1 = lower(r2, r3);
  const a2 = lower(r4, r5);
  const a3 = lower(r6, r7);
  const a4 = upper(r0, r1);
  const a5 = upper(r2, r3);
  const a6 = upper(r4, r5);
  const a7 = upper(r6, r7);
  const b0 = v128.shuffle<i32>(a0, a1, 0, 4, 1, 5);
  const b1 = v128.shuffle<i32>(a0, a1, 2, 6, 3, 7);
  const b2 = v128.shuffle<i32>(a2, a3, 0, 4, 1, 5);
  const b3 = v128.shuffle<i32>(a2, a3, 2, 6, 3, 7);
  const b4 = v128.shuffle<i32>(a4, a5, 0, 4, 1, 5);
  const b5 = v128.shuffle<i32>(a4, a5, 2, 6, 3, 7);
  const b6 = v128.shuffle<i32>(a6, a7, 0, 4, 1, 5);
  const b7 = v128.shuffle<i32>(a6, a7, 2, 6, 3, 7);
  v128.store(block, v128.shuffle<i64>(b0, b2, 0, 2));
  v128.store(block, v128.shuffle<i64>(b0, b2, 1, 3), 16);
  v128.store(block, v128.shuffle<i64>(b1, b3, 0, 2), 32);
  v128.store(block, v128.shuffle<i64>(b1, b3, 1, 3), 48);
  v128.store(block, v128.shuffle<i64>(b4, b6, 0, 2), 64);
  v128.store(block, v128.shuffle<i64>(b4, b6, 1, 3), 80);
  v128.store(block, v128.shuffle<i64>(b5, b7, 0, 2), 96);
  v128.store(block, v128.shuffle<i64>(b5, b7, 1, 3), 112);
}

/** One pass of the forward transform down the columns; `first` keeps two more bits. */
// @ts-ignore: decorator
@inline
function forward(first: bool): void {
  const x0 = v128.load(block);
  const x1 = v128.load(block, 16);
  const x2 = v128.load(block, 32);
  const x3 = v128.load(block, 48);
  const x4 = v128.load(block, 64);
  const x5 = v128.load(block, 80);
  const x6 = v128.load(block, 96);
  const x7 = v128.load(block, 112);
  const s07 = i16x8.add(x0, x7);
  const d07 = i16x8.sub(x0, x7);
  const s16 = i16x8.add(x1, x6);
  const d16 = i16x8.sub(x1, x6);
  const s25 = i16x8.add(x2, x5);
  const d25 = i16x8.sub(x2, x5);
  const s34 = i16x8.add(x3, x4);
  const d34 = i16x8.sub(x3, x4);
  const outer = i16x8.add(s07, s34);
  const outerDifference = i16x8.sub(s07, s34);
  const inner = i16x8.add(s16, s25);
  const innerDifference = i16x8.sub(s16, s25);
  const sum = i16x8.add(outer, inner);
  const difference = i16x8.sub(outer, inner);
  const bits = first ? 11 : 15;
  const two = i16x8.splat(2);
  v128.store(block, first ? i16x8.shl(sum, 2) : i16x8.shr_s(i16x8.add(sum, two), 2));
  v128.store(block, first ? i16x8.shl(difference, 2) : i16x8.shr_s(i16x8.add(difference, two), 2), 64);
  // Every coefficient is a sum of products of pairs, which 32 bits hold.
  const evenLow = lower(outerDifference, innerDifference);
  const evenHigh = upper(outerDifference, innerDifference);
  v128.store(block, words(dot(evenLow, even2), dot(evenHigh, even2), bits), 32);
  v128.store(block, words(dot(evenLow, even6), dot(evenHigh, even6), bits), 96);
  odd(lower(d34, d07), lower(d25, d16), upper(d34, d07), upper(d25, d16), i16x8.add(d34, d16), i16x8.add(d25, d07));
  v128.store(block, words(v128.load(sums), v128.load(sums, 64), bits), 112);
  v128.store(block, words(v128.load(sums, 16), v128.load(sums, 80), bits), 80);
  v128.store(block, words(v128.load(sums, 32), v128.load(sums, 96), bits), 48);
  v128.store(block, words(v128.load(sums, 48), v128.load(sums, 112), bits), 16);
}

/** Four sums of products, in i32, of the lower and then of the upper four columns. */
const sums = memory.data(128);

/**
 * The odd half of both transforms, of a, b, c and d: from their pairs (a, d) and (b, c), and from a + c and b + d, to
 * the sums that begin with a, b, c and d.
 */
// @ts-ignore: decorator
@inline
function odd(adLow: v128, bcLow: v128, adHigh: v128, bcHigh: v128, ac: v128, bd: v128): void {
  oddHalf(adLow, bcLow, lower(ac, bd), sums);
  oddHalf(adHigh, bcHigh, upper(ac, bd), sums + 64);
}

// @ts-ignore: decorator
@inline
function oddHalf(ad: v128, bc: v128, acbd: v128, to: usize): void {
  const third = dot(acbd, oddAC);
  const fourth = dot(acbd, oddBD);
  v128.store(to, i32x4.add(dot(ad, oddA), third));
  v128.store(to, i32x4.add(dot(bc, oddB), fourth), 16);
  v128.store(to, i32x4.add(dot(bc, oddC), third), 32);
  v128.store(to, i32x4.add(dot(ad, oddD), fourth), 48);
}

/** One pass of the inverse transform down the columns. */
// @ts-ignore: decorator
@inline
function inverse(bits: i32): void {
  const c0 = v128.load(block);
  const c1 = v128.load(block, 16);
  const c2 = v128.load(block, 32);
  const c3 = v128.load(block, 48);
  const c4 = v128.load(block, 64);
  const c5 = v128.load(block, 80);
  const c6 = v128.load(block, 96);
  const c7 = v128.load(block, 112);
  odd(lower(c7, c1), lower(c5, c3), upper(c7, c1), upper(c5, c3), i16x8.add(c7, c3), i16x8.add(c5, c1));
  const sum = i16x8.add(c0, c4);
  const difference = i16x8.sub(c0, c4);
  evenHalf(i32x4.extend_low_i16x8_s(sum), i32x4.extend_low_i16x8_s(difference), lower(c2, c6), evens);
  evenHalf(i32x4.extend_high_i16x8_s(sum), i32x4.extend_high_i16x8_s(difference), upper(c2, c6), evens + 64);
  for (let i: usize = 0; i < 64; i += 16) {
    const low = v128.load(evens + i);
    const high = v128.load(evens + i, 64);
    const oddLow = v128.load(sums + 48 - i);
    const oddHigh = v128.load(sums + 48 - i, 64);
    v128.store(block + i, words(i32x4.add(low, oddLow), i32x4.add(high, oddHigh), bits));
    v128.store(block + 112 - i, words(i32x4.sub(low, oddLow), i32x4.sub(high, oddHigh), bits));
  }
}

/** The terms that the first and the last four rows of the inverse transform share, row by row. */
const evens = memory.data(128);

/** The even half of the inverse transform, from c0 + c4, c0 - c4 and the pairs (c2, c6). */
// @ts-ignore: decorator
@inline
function evenHalf(sum: v128, difference: v128, pairs: v128, to: usize): void {
  const plus = i32x4.shl(sum, 13);
  const minus = i32x4.shl(difference, 13);
  const outer = dot(pairs, even2);
  const inner = dot(pairs, even6);
  v128.store(to, i32x4.add(plus, outer));
  v128.store(to, i32x4.add(minus, inner), 16);
  v128.store(to, i32x4.sub(minus, inner), 32);
  v128.store(to, i32x4.sub(plus, outer), 48);
}

/** 1.5 × 2^23: added to a small float32, it leaves the nearest integer in the lowest bits. */
const ROUNDER: f32 = 12582912;

/** The codes |n| / 8q, rounded, halves up, of four coefficients; `reciprocal` is 1 / 8q. */
// @ts-ignore: decorator
@inline
function codes(n: v128, reciprocal: v128): v128 {
  // Halves are whole numbers of n: a quarter more keeps what float32 rounds on the right side of them.
  const ratio = f32x4.mul(f32x4.add(f32x4.convert_i32x4_s(n), f32x4.splat(0.25)), reciprocal);
  return i32x4.sub(f32x4.add(ratio, f32x4.splat(ROUNDER)), f32x4.splat(ROUNDER));
}

/**
 * Rounds the block, whose elements are 8 times too large, to multiples of its quantization steps q, halves away from zero.
 * `table` holds 1 / 8q for every element as f32, and then q as i16.
 */
// @ts-ignore: decorator
@inline
function quantize(table: usize): void {
  for (let i: usize = 0; i < 128; i += 16) {
    const n = v128.load(block + i);
    const sign = i16x8.shr_s(n, 15);
    const size = i16x8.abs(n);
    const low = codes(i32x4.extend_low_i16x8_u(size), v128.load(table + 2 * i));
    const high = codes(i32x4.extend_high_i16x8_u(size), v128.load(table + 2 * i, 16));
    const multiple = i16x8.mul(i16x8.narrow_i32x4_s(low, high), v128.load(table + i, 256));
    v128.store(block + i, i16x8.sub(v128.xor(multiple, sign), sign));
  }
}

/** Codes and decodes the block; its elements are samples less 128. */
function code(table: usize): void {
  transpose();
  forward(true);
  transpose();
  forward(false);
  quantize(table);
  inverse(11);
  transpose();
  inverse(18);
  transpose();
}

/** Codes and decodes a block that reaches past the plane, whose last column and row go on in it. */
function codeAtEdge(samples: usize, out: usize, top: i32, left: i32, height: i32, width: i32, table: usize): void {
  for (let y = 0; y < 8; y++) {
    const row = samples + min(top + y, height - 1) * width;
    for (let x = 0; x < 8; x++)
      store<i16>(block + (<usize>(8 * y + x) << 1), <i16>load<u8>(row + min(left + x, width - 1)) - 128);
  }
  code(table);
  for (let y = 0; y < min(8, height - top); y++)
    for (let x = 0; x < min(8, width - left); x++) {
      const value = <i32>load<i16>(block + (<usize>(8 * y + x) << 1)) + 128;
      store<u8>(out + (top + y) * width + left + x, <u8>max<i32>(0, min<i32>(255, value)));
    }
}

/** Codes and decodes a plane of samples, padded to whole blocks by its last column and row; `table` as in `quantize`. */
export function codePlane(samples: usize, out: usize, height: i32, width: i32, table: usize): void {
  const centre = i16x8.splat(128);
  for (let top = 0; top < height; top += 8)
    for (let left = 0; left < width; left += 8) {
      if (top + 8 > height || left + 8 > width) {
        codeAtEdge(samples, out, top, left, height, width, table);
        continue;
      }
      let from = samples + top * width + left;
      for (let row = block; row < block + 128; row += 16) {
        v128.store(row, i16x8.sub(v128.load8x8_u(from), centre));
        from += width;
      }
      code(table);
      let to = out + top * width + left;
      for (let row = block; row < block + 128; row += 16) {
        const values = i16x8.add(v128.load(row), centre);
        v128.store64_lane(to, i8x16.narrow_i16x8_u(values, values), 0);
        to += width;
      }
    }
}
