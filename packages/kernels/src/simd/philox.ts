// AssemblyScript. Philox4x32-10, eight blocks at a time: lane i of a vector belongs to block i or 4 + i.

/** The low words of the products in the i64 lanes of two vectors. */
// @ts-ignore: decorator
@inline
function lowWords(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
function highWords(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 1, 3, 5, 7);
}

/** Four blocks, a vector a word, to four blocks one after the other. */
// @ts-ignore: decorator
@inline
function store4(out: usize, c0: v128, c1: v128, c2: v128, c3: v128): void {
  const p0 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5);
  const p1 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
  const p2 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5);
  const p3 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(p0, p2, 0, 2));
  v128.store(out, v128.shuffle<i64>(p0, p2, 1, 3), 16);
  v128.store(out, v128.shuffle<i64>(p1, p3, 0, 2), 32);
  v128.store(out, v128.shuffle<i64>(p1, p3, 1, 3), 48);
}

/** Writes the blocks from `block` on of a stream, 8 blocks of 4 words a group. */
export function philox(out: usize, groups: u32, k0: u32, k1: u32, s0: u32, s1: u32, block: u64): void {
  const multiplier0 = i32x4.splat(0xd2511f53);
  const multiplier1 = i32x4.splat(0xcd9e8d57);
  for (let g: u32 = 0; g < groups; g++) {
    const low = i32x4.splat(<u32>block);
    let c0 = i32x4.add(low, i32x4(0, 1, 2, 3));
    let d0 = i32x4.add(low, i32x4(4, 5, 6, 7));
    // A lane that wrapped around is -1 in the comparison, and carries.
    const high = i32x4.splat(<u32>(block >> 32));
    let c1 = i32x4.sub(high, i32x4.lt_u(c0, low));
    let d1 = i32x4.sub(high, i32x4.lt_u(d0, low));
    let c2 = i32x4.splat(s0);
    let d2 = c2;
    let c3 = i32x4.splat(s1);
    let d3 = c3;
    let key0 = k0;
    let key1 = k1;
    for (let round = 0; round < 10; round++) {
      const k = i32x4.splat(key0);
      const l = i32x4.splat(key1);
      const a0 = i64x2.extmul_low_i32x4_u(c0, multiplier0);
      const b0 = i64x2.extmul_high_i32x4_u(c0, multiplier0);
      const a1 = i64x2.extmul_low_i32x4_u(c2, multiplier1);
      const b1 = i64x2.extmul_high_i32x4_u(c2, multiplier1);
      const e0 = i64x2.extmul_low_i32x4_u(d0, multiplier0);
      const f0 = i64x2.extmul_high_i32x4_u(d0, multiplier0);
      const e1 = i64x2.extmul_low_i32x4_u(d2, multiplier1);
      const f1 = i64x2.extmul_high_i32x4_u(d2, multiplier1);
      c0 = v128.xor(v128.xor(highWords(a1, b1), c1), k);
      d0 = v128.xor(v128.xor(highWords(e1, f1), d1), k);
      c2 = v128.xor(v128.xor(highWords(a0, b0), c3), l);
      d2 = v128.xor(v128.xor(highWords(e0, f0), d3), l);
      c1 = lowWords(a1, b1);
      d1 = lowWords(e1, f1);
      c3 = lowWords(a0, b0);
      d3 = lowWords(e0, f0);
      key0 += 0x9e3779b9;
      key1 += 0xbb67ae85;
    }
    store4(out, c0, c1, c2, c3);
    store4(out + 64, d0, d1, d2, d3);
    out += 128;
    block += 8;
  }
}
