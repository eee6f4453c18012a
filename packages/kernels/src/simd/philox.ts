// AssemblyScript. Philox4x32-10, sixteen blocks at a time: vector n of the words a, b, c, d belongs to blocks 4n to 4n + 3
// of the sixteen, a lane each. Four chains of rounds side by side keep the multipliers busy.

/** The high words of the four products of 32-bit integers. */
// @ts-ignore: decorator
@inline
function multiplyHigh(x: v128, y: v128): v128 {
  return v128.shuffle<i32>(i64x2.extmul_low_i32x4_u(x, y), i64x2.extmul_high_i32x4_u(x, y), 1, 3, 5, 7);
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
  const m0 = i32x4.splat(0xd2511f53);
  const m1 = i32x4.splat(0xcd9e8d57);
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
      const x0 = v128.xor(v128.xor(multiplyHigh(c0, m1), b0), k);
      const x1 = v128.xor(v128.xor(multiplyHigh(c1, m1), b1), k);
      const x2 = v128.xor(v128.xor(multiplyHigh(c2, m1), b2), k);
      const x3 = v128.xor(v128.xor(multiplyHigh(c3, m1), b3), k);
      const y0 = v128.xor(v128.xor(multiplyHigh(a0, m0), d0), l);
      const y1 = v128.xor(v128.xor(multiplyHigh(a1, m0), d1), l);
      const y2 = v128.xor(v128.xor(multiplyHigh(a2, m0), d2), l);
      const y3 = v128.xor(v128.xor(multiplyHigh(a3, m0), d3), l);
      b0 = i32x4.mul(c0, m1);
      b1 = i32x4.mul(c1, m1);
      b2 = i32x4.mul(c2, m1);
      b3 = i32x4.mul(c3, m1);
      d0 = i32x4.mul(a0, m0);
      d1 = i32x4.mul(a1, m0);
      d2 = i32x4.mul(a2, m0);
      d3 = i32x4.mul(a3, m0);
      a0 = x0;
      c0 = y0;
      a1 = x1;
      c1 = y1;
      a2 = x2;
      c2 = y2;
      a3 = x3;
      c3 = y3;
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
