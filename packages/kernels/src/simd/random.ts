// AssemblyScript. Random words become numbers in place, 64 words (256 bytes) a group.
import { philox } from './philox';

/** u = floor(word / 2^8) / 2^24, then shift + scale * u. */
function uniforms(at: usize, groups: u32, scale: f32, shift: f32): void {
  const end = at + (<usize>groups << 8);
  for (; at < end; at += 16) {
    const u = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(at), 8)), f32x4.splat(5.9604644775390625e-8));
    v128.store(at, f32x4.add(f32x4.splat(shift), f32x4.mul(u, f32x4.splat(scale))));
  }
}

/** Where the constants of normal numbers lie behind `table`: coefficients from the lowest power on, and single ones. */
const EVEN: usize = 0;
const ODD: usize = 16;
const COSINE: usize = 32;
const SINE: usize = 48;
const SCALES: usize = 64;
const LOGARITHM: usize = 80;

/** A known constant V8 makes anew for every use; to read it from the first cache takes less. */
function writeConstants(table: usize): void {
  v128.store(table + EVEN, f32x4(-0.49999991606157584, -0.2500175528003834, -0.1657050760867333, -0.14307525194095164));
  v128.store(table + ODD, f32x4(0.33333950220507824, 0.19962072177094714, 0.1491797271866215, 0.08734849473376426));
  v128.store(table + COSINE, f32x4(1, -19.739167263526486, 64.92322865128108, -83.66592123277157));
  v128.store(table + SINE, f32x4(6.283185286833363, -41.34166145492411, 81.59235355488059, -75.39356282133672));
  v128.store(table + SCALES, f32x4(5.9604644775390625e-8, 1.4901161193847656e-8, 0.001953125, 0.0019531248835846782));
  v128.store(table + LOGARITHM, f32x4(-0.6931471805599453, reinterpret<f32>(0x3f3504f3), 0, 0));
}

/** Constant i of those at an address. */
// @ts-ignore: decorator
@inline
function constant(at: usize, i: usize): v128 {
  return v128.load32_splat(at + (i << 2));
}

/** c0 + z (c1 + z (c2 + z c3)) */
// @ts-ignore: decorator
@inline
function cubic(c: usize, z: v128): v128 {
  const high = f32x4.add(constant(c, 2), f32x4.mul(z, constant(c, 3)));
  return f32x4.add(constant(c, 0), f32x4.mul(z, f32x4.add(constant(c, 1), f32x4.mul(z, high))));
}

/**
 * sqrt(-ln u) with u = (word + 1/2) / 2^32 rounded to float32, as the sum of its upper 24 and its lower 8 bits. With
 * u = m * 2^e and f = m - 1 in [sqrt(1/2) - 1, sqrt(2) - 1):  ln u = e ln 2 + f + f^2 P(f), P minimax to 3e-8 of ln u.
 */
// @ts-ignore: decorator
@inline
function radius(word: v128, table: usize): v128 {
  const upper = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(word, 8)), constant(table + SCALES, 0));
  // The 8 bits in the last places of a number that begins with 2^-9.
  const lower = v128.or(v128.and(word, i32x4.splat(0xff)), constant(table + SCALES, 2));
  const u = f32x4.add(upper, f32x4.sub(lower, constant(table + SCALES, 3)));
  const sqrtHalf = constant(table + LOGARITHM, 1);
  const bits = i32x4.sub(u, sqrtHalf);
  const e = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
  const f = f32x4.sub(i32x4.add(v128.and(bits, i32x4.splat(0x7fffff)), sqrtHalf), constant(table + COSINE, 0));
  const f2 = f32x4.mul(f, f);
  const p = f32x4.add(cubic(table + EVEN, f2), f32x4.mul(f, cubic(table + ODD, f2)));
  const ln1p = f32x4.add(f, f32x4.mul(f2, p));
  return f32x4.sqrt(f32x4.sub(f32x4.mul(e, constant(table + LOGARITHM, 0)), ln1p));
}

/**
 * Four pairs of words to Box and Muller's numbers. The angle in the first quadrant is 1/8 + x turns, with
 * sqrt(2) cos and sin = cos 2 pi x -+ sin 2 pi x; two bits of the word are the signs. The minimax polynomials for
 * |x| <= 1/8 hold the cosine to 3.2e-8 and the sine to 3.2e-9 of itself.
 */
// @ts-ignore: decorator
@inline
function normalPairs(at: usize, scale: v128, shift: v128, table: usize): void {
  const first = v128.load(at);
  const second = v128.load(at, 16);
  const r = f32x4.mul(radius(v128.shuffle<i32>(first, second, 0, 2, 4, 6), table), scale);
  const word = v128.shuffle<i32>(first, second, 1, 3, 5, 7);
  const centred = i32x4.sub(v128.and(word, i32x4.splat(0xffffff)), i32x4.splat(0x800000));
  const x = f32x4.mul(f32x4.convert_i32x4_s(centred), constant(table + SCALES, 1));
  const y = f32x4.mul(x, x);
  const c = cubic(table + COSINE, y);
  const s = f32x4.mul(x, cubic(table + SINE, y));
  const signBit = i32x4.splat(0x80000000);
  const cosSign = v128.and(word, signBit);
  const sinSign = v128.and(i32x4.shl(word, 1), signBit);
  const even = f32x4.add(shift, f32x4.mul(r, v128.xor(f32x4.sub(c, s), cosSign)));
  const odd = f32x4.add(shift, f32x4.mul(r, v128.xor(f32x4.add(c, s), sinSign)));
  v128.store(at, v128.shuffle<i32>(even, odd, 0, 4, 1, 5));
  v128.store(at, v128.shuffle<i32>(even, odd, 2, 6, 3, 7), 16);
}

function normals(at: usize, groups: u32, scale: f32, shift: f32, table: usize): void {
  const end = at + (<usize>groups << 8);
  // Two at a time share the constants that are left, which V8 makes anew in every turn of the loop.
  for (; at < end; at += 64) {
    normalPairs(at, f32x4.splat(scale), f32x4.splat(shift), table);
    normalPairs(at + 32, f32x4.splat(scale), f32x4.splat(shift), table);
  }
}

/** How many groups are drawn and transformed in one go: 8 KiB, which stay in the first-level cache. */
const CHUNK: u32 = 32;

/**
 * n elements from element `skip` (0 to 3) of block `block` on; `kind` 0 is bits, 1 uniform, 2 normal. `scratch` has room
 * for one group, for the first and the last one where they are not whole, and 24 constants.
 */
export function random(
  kind: u32,
  out: usize,
  n: u32,
  skip: u32,
  scratch: usize,
  k0: u32,
  k1: u32,
  s0: u32,
  s1: u32,
  blockLow: u32,
  blockHigh: u32,
  scale: f32,
  shift: f32,
): void {
  const table = scratch + 256;
  if (kind == 2) writeConstants(table);
  let block = (<u64>blockHigh << 32) | <u64>blockLow;
  while (n > 0) {
    const whole = skip == 0 && n >= 64;
    const groups = whole ? min<u32>(n >> 6, CHUNK) : 1;
    const to = whole ? out : scratch;
    philox(to, groups, k0, k1, s0, s1, block);
    if (kind == 1) uniforms(to, groups, scale, shift);
    else if (kind == 2) normals(to, groups, scale, shift, table);
    const drawn = whole ? groups << 6 : min<u32>(64 - skip, n);
    if (!whole)
      for (let i: u32 = 0; i < drawn; i++)
        store<i32>(out + (<usize>i << 2), load<i32>(scratch + (<usize>(skip + i) << 2)));
    skip = 0;
    n -= drawn;
    out += <usize>drawn << 2;
    block += groups << 4;
  }
}
