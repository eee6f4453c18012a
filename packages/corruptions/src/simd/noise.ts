// AssemblyScript.
import { fourOfPairs, storeIntegers, unitPair } from './convert';

/** clip(v + c n), or clip(v + c n v) with `speckle`, for n levels, in their place, in f64. */
export function addNoise(levels: usize, noise: usize, n: u32, c: f64, speckle: bool): void {
  const end = levels + n;
  for (; levels < end; levels += 4) {
    const low = noisy(unitPair(levels, levels + 1), v128.load64_zero(noise), c, speckle);
    const high = noisy(unitPair(levels + 2, levels + 3), v128.load64_zero(noise, 8), c, speckle);
    storeIntegers(levels, fourOfPairs(low, high));
    noise += 16;
  }
}

/** Two values with two f32 of noise, in 0..255. */
// @ts-ignore: decorator
@inline
function noisy(v: v128, noise: v128, c: f64, speckle: bool): v128 {
  const z = f64x2.mul(f64x2.splat(c), f64x2.promote_low_f32x4(noise));
  return f64x2.mul(f64x2.add(v, speckle ? f64x2.mul(v, z) : z), f64x2.splat(255));
}

/** Uniforms to 1 below p / 2, to 2 from there to p, else to 0. */
export function impulseMask(uniforms: usize, mask: usize, n: u32, p: f32): void {
  const half = f32x4.splat(0.5 * p);
  const whole = f32x4.splat(p);
  for (let i: usize = 0; i < n; i += 16) {
    const at = uniforms + (i << 2);
    const low = i16x8.narrow_i32x4_s(flips(v128.load(at), half, whole), flips(v128.load(at, 16), half, whole));
    const high = i16x8.narrow_i32x4_s(flips(v128.load(at, 32), half, whole), flips(v128.load(at, 48), half, whole));
    v128.store(mask + i, i8x16.narrow_i16x8_u(low, high));
  }
}

// @ts-ignore: decorator
@inline
function flips(u: v128, half: v128, whole: v128): v128 {
  // A comparison that holds is -1: 2 where u < p, less 1 where u < p / 2.
  return i32x4.sub(f32x4.lt(u, half), i32x4.shl(f32x4.lt(u, whole), 1));
}

/** Levels to 255 where the mask is 1, to 0 where it is 2 or more. */
export function flip(levels: usize, mask: usize, n: u32): void {
  for (let i: usize = 0; i < n; i += 16) {
    const m = v128.load(mask + i);
    const kept = v128.and(v128.load(levels + i), i8x16.eq(m, i8x16.splat(0)));
    v128.store(levels + i, v128.or(kept, i8x16.eq(m, i8x16.splat(1))));
  }
}

/**
 * Photon counts by ../noise/shot-noise.ts's tables, as the levels that `levelOf` has for counts up to `most`, in place of
 * n levels. Uniforms lie in [0, 1), and the last threshold of a level is 1.
 */
export function poissonNoise(
  levels: usize,
  uniforms: usize,
  n: u32,
  thresholds: usize,
  starts: usize,
  guides: usize,
  perLevel: u32,
  levelOf: usize,
  most: u32,
): void {
  for (let i: usize = 0; i < n; i++) {
    const level = <u32>load<u8>(levels + i);
    const u = load<f32>(uniforms + (i << 2));
    const start = thresholds + (load<u32>(starts + (<usize>level << 2)) << 2);
    const guide = level * perLevel + <u32>(u * <f32>perLevel);
    let count = <u32>load<u16>(guides + (<usize>guide << 1));
    // Nearly always one of these two: without a jump, which would be guessed wrong half the time.
    count += <u32>(u >= load<f32>(start + (<usize>count << 2)));
    count += <u32>(u >= load<f32>(start + (<usize>count << 2)));
    while (u >= load<f32>(start + (<usize>count << 2))) count++;
    store<u8>(levels + i, load<u8>(levelOf + min(count, most)));
  }
}

/** Counts (i32) as the levels that `levelOf` has for counts up to `most`. */
export function counted(counts: usize, levels: usize, n: u32, levelOf: usize, most: u32): void {
  for (let i: usize = 0; i < n; i++) store<u8>(levels + i, load<u8>(levelOf + min(load<u32>(counts + (i << 2)), most)));
}
