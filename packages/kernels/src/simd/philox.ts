// AssemblyScript. Philox4x32-10, sixteen blocks at a time: vector n of the words a, b, c, d belongs to blocks 4n to 4n + 3
// of the sixteen, a lane each. Four chains of rounds side by side keep the multipliers busy.

/** The high words of four products of 32-bit integers, given those of the first two and of the last two. */
// @ts-ignore: decorator
@inline
function highs(first: v128, last: v128): v128 {
  return v128.shuffle<i32>(first, last, 1, 3, 5, 7);
}

// @ts-ignore: decorator
@inline
function lows(first: v128, last: v128): v128 {
  return v128.shuffle<i32>(first, last, 0, 2, 4, 6);
}

/** Four blocks, a vector a word, to four blocks one after the other. */
// @ts-ignore: decorator
@inline
function store4(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  const p0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const p1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const p2 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const p3 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(p0, p2, 0, 2));
  v128.store(out, v128.shuffle<i64>(p0, p2, 1, 3), 16);
  v128.store(out, v128.shuffle<i64>(p1, p3, 0, 2), 32);
  v128.store(out, v128.shuffle<i64>(p1, p3, 1, 3), 48);
}

/** Writes the blocks from `block` on of a stream, 16 blocks of 4 words a group. */
export function philox(out: usize, groups: u32, k0: u32, k1: u32, s0: u32, s1: u32, block: u64): void {
  // Known constants V8 makes anew for every product, which took as long as the products; so it may not see that this is 0.
  const zero = groups >> 31;
  const m0 = i32x4.splat(0xd2511f53 ^ zero);
  const m1 = i32x4.splat(0xcd9e8d57 ^ zero);
  for (let g: u32 = 0; g < groups; g++) {
    const low = i32x4.splat(<u32>block);
    const high = i32x4.splat(<u32>(block >> 32));
    let a0 = i32x4.add(low, i32x4(0, 1, 2, 3));
    let a1 = i32x4.add(low, i32x4(4, 5, 6, 7));
    let a2 = i32x4.add(low, i32x4(8, 9, 10, 11));
    let a3 = i32x4.add(low, i32x4(12, 13, 14, 15));
    // A lane that wrapped around is -1 in the comparison, and carries.
    let b0 = i32x4.sub(high, i32x4.lt_u(a0, low));
    let b1 = i32x4.sub(high, i32x4.lt_u(a1, low));
    let b2 = i32x4.sub(high, i32x4.lt_u(a2, low));
    let b3 = i32x4.sub(high, i32x4.lt_u(a3, low));
    let c0 = i32x4.splat(s0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    let d0 = i32x4.splat(s1);
    let d1 = d0;
    let d2 = d0;
    let d3 = d0;
    let key0 = k0;
    let key1 = k1;
    for (let round = 0; round < 10; round++) {
      const k = i32x4.splat(key0);
      const l = i32x4.splat(key1);
      let p: v128, q: v128, r: v128, s: v128;
      p = i64x2.extmul_low_i32x4_u(a0, m0);
      q = i64x2.extmul_high_i32x4_u(a0, m0);
      r = i64x2.extmul_low_i32x4_u(c0, m1);
      s = i64x2.extmul_high_i32x4_u(c0, m1);
      a0 = v128.xor(v128.xor(highs(r, s), b0), k);
      b0 = lows(r, s);
      c0 = v128.xor(v128.xor(highs(p, q), d0), l);
      d0 = lows(p, q);
      p = i64x2.extmul_low_i32x4_u(a1, m0);
      q = i64x2.extmul_high_i32x4_u(a1, m0);
      r = i64x2.extmul_low_i32x4_u(c1, m1);
      s = i64x2.extmul_high_i32x4_u(c1, m1);
      a1 = v128.xor(v128.xor(highs(r, s), b1), k);
      b1 = lows(r, s);
      c1 = v128.xor(v128.xor(highs(p, q), d1), l);
      d1 = lows(p, q);
      p = i64x2.extmul_low_i32x4_u(a2, m0);
      q = i64x2.extmul_high_i32x4_u(a2, m0);
      r = i64x2.extmul_low_i32x4_u(c2, m1);
      s = i64x2.extmul_high_i32x4_u(c2, m1);
      a2 = v128.xor(v128.xor(highs(r, s), b2), k);
      b2 = lows(r, s);
      c2 = v128.xor(v128.xor(highs(p, q), d2), l);
      d2 = lows(p, q);
      p = i64x2.extmul_low_i32x4_u(a3, m0);
      q = i64x2.extmul_high_i32x4_u(a3, m0);
      r = i64x2.extmul_low_i32x4_u(c3, m1);
      s = i64x2.extmul_high_i32x4_u(c3, m1);
      a3 = v128.xor(v128.xor(highs(r, s), b3), k);
      b3 = lows(r, s);
      c3 = v128.xor(v128.xor(highs(p, q), d3), l);
      d3 = lows(p, q);
      key0 += 0x9e3779b9;
      key1 += 0xbb67ae85;
    }
    store4(out, a0, b0, c0, d0);
    store4(out + 64, a1, b1, c1, d1);
    store4(out + 128, a2, b2, c2, d2);
    store4(out + 192, a3, b3, c3, d3);
    out += 256;
    block += 16;
  }
}
