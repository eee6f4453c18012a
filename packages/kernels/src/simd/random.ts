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

/**
 * sqrt(-ln u) with u = (word + 1/2) / 2^32 rounded to float32, as the sum of its upper 24 and its lower 8 bits. With
 * u = m * 2^e and f = m - 1 in [sqrt(1/2) - 1, sqrt(2) - 1):  ln u = e ln 2 + f + f^2 P(f), P minimax to 3e-8 of ln u.
 */
// @ts-ignore: decorator
@inline
function radius(word: v128): v128 {
  const upper = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(word, 8)), f32x4.splat(5.9604644775390625e-8));
  // The 8 bits in the last places of a number that begins with 2^-9.
  const lower = v128.or(v128.and(word, i32x4.splat(0xff)), f32x4.splat(0.001953125));
  const u = f32x4.add(upper, f32x4.sub(lower, f32x4.splat(0.0019531248835846782)));
  const sqrtHalf = i32x4.splat(0x3f3504f3);
  const bits = i32x4.sub(u, sqrtHalf);
  const e = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
  const f = f32x4.sub(i32x4.add(v128.and(bits, i32x4.splat(0x7fffff)), sqrtHalf), f32x4.splat(1));
  const f2 = f32x4.mul(f, f);
  const even2 = f32x4.add(f32x4.splat(-0.1657050760867333), f32x4.mul(f2, f32x4.splat(-0.14307525194095164)));
  const even1 = f32x4.add(f32x4.splat(-0.2500175528003834), f32x4.mul(f2, even2));
  const even = f32x4.add(f32x4.splat(-0.49999991606157584), f32x4.mul(f2, even1));
  const odd2 = f32x4.add(f32x4.splat(0.1491797271866215), f32x4.mul(f2, f32x4.splat(0.08734849473376426)));
  const odd1 = f32x4.add(f32x4.splat(0.19962072177094714), f32x4.mul(f2, odd2));
  const odd = f32x4.add(f32x4.splat(0.33333950220507824), f32x4.mul(f2, odd1));
  const p = f32x4.add(even, f32x4.mul(f, odd));
  const ln1p = f32x4.add(f, f32x4.mul(f2, p));
  return f32x4.sqrt(f32x4.sub(f32x4.mul(e, f32x4.splat(-0.6931471805599453)), ln1p));
}

/** cos 2 pi x to 3.2e-8, minimax for |x| <= 1/8; y is x^2. */
// @ts-ignore: decorator
@inline
function cosine(y: v128): v128 {
  const high = f32x4.add(f32x4.splat(64.92322865128108), f32x4.mul(y, f32x4.splat(-83.66592123277157)));
  return f32x4.add(f32x4.splat(1), f32x4.mul(y, f32x4.add(f32x4.splat(-19.739167263526486), f32x4.mul(y, high))));
}

/** sin 2 pi x to 3.2e-9 of itself, minimax for |x| <= 1/8; y is x^2. */
// @ts-ignore: decorator
@inline
function sine(x: v128, y: v128): v128 {
  const high = f32x4.add(f32x4.splat(81.59235355488059), f32x4.mul(y, f32x4.splat(-75.39356282133672)));
  const middle = f32x4.add(f32x4.splat(-41.34166145492411), f32x4.mul(y, high));
  return f32x4.mul(x, f32x4.add(f32x4.splat(6.283185286833363), f32x4.mul(y, middle)));
}

/**
 * Four pairs of words to Box and Muller's numbers. The angle in the first quadrant is 1/8 + x turns, with
 * sqrt(2) cos and sin = cos 2 pi x -+ sin 2 pi x; two bits of the word are the signs.
 */
// @ts-ignore: decorator
@inline
function normalPairs(at: usize, scale: v128, shift: v128): void {
  const first = v128.load(at);
  const second = v128.load(at, 16);
  const r = f32x4.mul(radius(v128.shuffle<i32>(first, second, 0, 2, 4, 6)), scale);
  const word = v128.shuffle<i32>(first, second, 1, 3, 5, 7);
  const centred = i32x4.sub(v128.and(word, i32x4.splat(0xffffff)), i32x4.splat(0x800000));
  const x = f32x4.mul(f32x4.convert_i32x4_s(centred), f32x4.splat(1.4901161193847656e-8));
  const y = f32x4.mul(x, x);
  const c = cosine(y);
  const s = sine(x, y);
  const signBit = i32x4.splat(0x80000000);
  const cosSign = v128.and(word, signBit);
  const sinSign = v128.and(i32x4.shl(word, 1), signBit);
  const even = f32x4.add(shift, f32x4.mul(r, v128.xor(f32x4.sub(c, s), cosSign)));
  const odd = f32x4.add(shift, f32x4.mul(r, v128.xor(f32x4.add(c, s), sinSign)));
  v128.store(at, v128.shuffle<i32>(even, odd, 0, 4, 1, 5));
  v128.store(at, v128.shuffle<i32>(even, odd, 2, 6, 3, 7), 16);
}

function normals(at: usize, groups: u32, scale: f32, shift: f32): void {
  const end = at + (<usize>groups << 8);
  // Two at a time share the constants, which V8 makes anew in every turn of the loop.
  for (; at < end; at += 64) {
    normalPairs(at, f32x4.splat(scale), f32x4.splat(shift));
    normalPairs(at + 32, f32x4.splat(scale), f32x4.splat(shift));
  }
}

/** How many groups are drawn and transformed in one go: 8 KiB, which stay in the first-level cache. */
const CHUNK: u32 = 32;

/**
 * n elements from element `skip` (0 to 3) of block `block` on; `kind` 0 is bits, 1 uniform, 2 normal. `scratch` has room
 * for one group, for the first and the last one where they are not whole.
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
  let block = (<u64>blockHigh << 32) | <u64>blockLow;
  while (n > 0) {
    const whole = skip == 0 && n >= 64;
    const groups = whole ? min<u32>(n >> 6, CHUNK) : 1;
    const to = whole ? out : scratch;
    philox(to, groups, k0, k1, s0, s1, block);
    if (kind == 1) uniforms(to, groups, scale, shift);
    else if (kind == 2) normals(to, groups, scale, shift);
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
