// AssemblyScript.
import { loadLevels, storeSixteen } from './convert';

/** clip(x + scale n), or clip(x + scale n x) with `speckle`, for n levels x, in their place. */
export function addNoise(levels: usize, noise: usize, n: u32, scale: f32, speckle: bool): void {
  const c = f32x4.splat(scale);
  const end = levels + n;
  for (; levels < end; levels += 16) {
    const a = noisy(loadLevels(levels), v128.load(noise), c, speckle);
    const b = noisy(loadLevels(levels + 4), v128.load(noise, 16), c, speckle);
    const d = noisy(loadLevels(levels + 8), v128.load(noise, 32), c, speckle);
    const e = noisy(loadLevels(levels + 12), v128.load(noise, 48), c, speckle);
    storeSixteen(levels, a, b, d, e);
    noise += 64;
  }
}

// @ts-ignore: decorator
@inline
function noisy(x: v128, noise: v128, c: v128, speckle: bool): v128 {
  const z = f32x4.mul(c, noise);
  return i32x4.trunc_sat_f32x4_s(f32x4.add(x, speckle ? f32x4.mul(z, x) : z));
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
export function photons(
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
