// AssemblyScript. Random words become numbers in place, 32 words (128 bytes) a group.
import { philox } from './philox';

/** u = floor(word / 2^8) / 2^24, then shift + scale * u. */
function uniforms(at: usize, groups: u32, scale: f32, shift: f32): void {
  const end = at + (<usize>groups << 7);
  for (; at < end; at += 16) {
    const u = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(at), 8)), f32x4.splat(5.9604644775390625e-8));
    v128.store(at, f32x4.add(f32x4.splat(shift), f32x4.mul(u, f32x4.splat(scale))));
  }
}

/**
 * sqrt(-2 ln u), u = (floor(word / 2^8) + 1) / 2^24, or (word + 1) / 2^32 for words below 2^24. With u = m * 2^e and
 * f = m - 1 in [sqrt(1/2) - 1, sqrt(2) - 1):  ln u = e ln 2 + f - f^2 / 2 + f^3 Q(f), Q minimax to 3.2e-8 of ln u.
 */
// @ts-ignore: decorator
@inline
function radius(word: v128): v128 {
  const top = i32x4.shr_u(word, 8);
  const small = i32x4.eq(i32x4.shr_u(word, 24), i32x4.splat(0));
  const v = f32x4.add(f32x4.convert_i32x4_s(v128.bitselect(word, top, small)), f32x4.splat(1));
  // 24 binary places, or 24 + 8.
  const places = i32x4.add(i32x4.splat(24), v128.and(small, i32x4.splat(8)));
  const sqrtHalf = i32x4.splat(0x3f3504f3);
  const bits = i32x4.sub(v, sqrtHalf);
  const e = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_s(bits, 23), places));
  const f = f32x4.sub(i32x4.add(v128.and(bits, i32x4.splat(0x7fffff)), sqrtHalf), f32x4.splat(1));
  const f2 = f32x4.mul(f, f);
  const q01 = f32x4.add(f32x4.splat(0.3333391073635131), f32x4.mul(f, f32x4.splat(-0.2500133703845672)));
  const q23 = f32x4.add(f32x4.splat(0.19963063841073966), f32x4.mul(f, f32x4.splat(-0.16577584636640913)));
  const q45 = f32x4.add(f32x4.splat(0.14914767410663324), f32x4.mul(f, f32x4.splat(-0.14267487249459285)));
  const q456 = f32x4.add(q45, f32x4.mul(f2, f32x4.splat(0.08700437772351078)));
  const q = f32x4.add(q01, f32x4.mul(f2, f32x4.add(q23, f32x4.mul(f2, q456))));
  // ln 2 in two parts, the first of which times e is exact.
  const tail = f32x4.sub(
    f32x4.mul(e, f32x4.splat(-2.12194440e-4)),
    f32x4.mul(f2, f32x4.sub(f32x4.splat(0.5), f32x4.mul(f, q))),
  );
  const ln = f32x4.add(f32x4.add(tail, f), f32x4.mul(e, f32x4.splat(0.693359375)));
  return f32x4.sqrt(f32x4.mul(ln, f32x4.splat(-2)));
}

/** cos 2 pi x to 6e-11, minimax for |x| <= 1/8; y is x^2. */
// @ts-ignore: decorator
@inline
function cosine(y: v128): v128 {
  const high = f32x4.add(f32x4.splat(-85.44374173492548), f32x4.mul(y, f32x4.splat(59.245964379886416)));
  const middle = f32x4.add(f32x4.splat(64.9393264717145), f32x4.mul(y, high));
  return f32x4.add(f32x4.splat(1), f32x4.mul(y, f32x4.add(f32x4.splat(-19.739208693655854), f32x4.mul(y, middle))));
}

/** sin 2 pi x to 4e-9 of itself, minimax for |x| <= 1/8; y is x^2. */
// @ts-ignore: decorator
@inline
function sine(x: v128, y: v128): v128 {
  const high = f32x4.add(f32x4.splat(81.59235355488059), f32x4.mul(y, f32x4.splat(-75.39356282133672)));
  const middle = f32x4.add(f32x4.splat(-41.34166145492411), f32x4.mul(y, high));
  return f32x4.mul(x, f32x4.add(f32x4.splat(6.283185286833363), f32x4.mul(y, middle)));
}

/** Four pairs of words to Box and Muller's numbers; the angle is reduced to [-1/8, 1/8) turns exactly, on the integer. */
// @ts-ignore: decorator
@inline
function normalPairs(at: usize, scale: v128, shift: v128): void {
  const first = v128.load(at);
  const second = v128.load(at, 16);
  const r = f32x4.mul(radius(v128.shuffle<i32>(first, second, 0, 2, 4, 6)), scale);
  const turn = i32x4.shr_u(v128.shuffle<i32>(first, second, 1, 3, 5, 7), 8);
  const quarter = i32x4.shr_u(i32x4.add(turn, i32x4.splat(1 << 21)), 22);
  const rest = i32x4.sub(turn, i32x4.shl(quarter, 22));
  const x = f32x4.mul(f32x4.convert_i32x4_s(rest), f32x4.splat(5.9604644775390625e-8));
  const y = f32x4.mul(x, x);
  const c = cosine(y);
  const s = sine(x, y);
  // In odd quarters cosine and sine change places; the signs come from bit 1 of quarter + 1 and of quarter.
  const swap = v128.and(v128.xor(c, s), i32x4.shr_s(i32x4.shl(quarter, 31), 31));
  const signBit = i32x4.splat(0x80000000);
  const cosSign = v128.and(i32x4.shl(i32x4.add(quarter, i32x4.splat(1)), 30), signBit);
  const sinSign = v128.and(i32x4.shl(quarter, 30), signBit);
  const even = f32x4.add(shift, f32x4.mul(r, v128.xor(v128.xor(c, swap), cosSign)));
  const odd = f32x4.add(shift, f32x4.mul(r, v128.xor(v128.xor(s, swap), sinSign)));
  v128.store(at, v128.shuffle<i32>(even, odd, 0, 4, 1, 5));
  v128.store(at, v128.shuffle<i32>(even, odd, 2, 6, 3, 7), 16);
}

function normals(at: usize, groups: u32, scale: f32, shift: f32): void {
  const end = at + (<usize>groups << 7);
  for (; at < end; at += 32) normalPairs(at, f32x4.splat(scale), f32x4.splat(shift));
}

/** How many groups are drawn and transformed in one go: 8 KiB, which stay in the first-level cache. */
const CHUNK: u32 = 64;

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
    const whole = skip == 0 && n >= 32;
    const groups = whole ? min<u32>(n >> 5, CHUNK) : 1;
    const to = whole ? out : scratch;
    philox(to, groups, k0, k1, s0, s1, block);
    if (kind == 1) uniforms(to, groups, scale, shift);
    else if (kind == 2) normals(to, groups, scale, shift);
    const drawn = whole ? groups << 5 : min<u32>(32 - skip, n);
    if (!whole)
      for (let i: u32 = 0; i < drawn; i++)
        store<i32>(out + (<usize>i << 2), load<i32>(scratch + (<usize>(skip + i) << 2)));
    skip = 0;
    n -= drawn;
    out += <usize>drawn << 2;
    block += groups << 3;
  }
}
