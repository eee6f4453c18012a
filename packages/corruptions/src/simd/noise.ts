// AssemblyScript.
import { loadLevels, storeLevels } from './convert';

/** out = clip(x + scale n), or clip(x + scale n x) with `speckle`, for n levels x. */
export function addNoise(levels: usize, noise: usize, out: usize, n: u32, scale: f32, speckle: bool): void {
  const c = f32x4.splat(scale);
  for (let i: usize = 0; i < n; i += 4) {
    const x = loadLevels(levels + i);
    const z = f32x4.mul(c, v128.load(noise + (i << 2)));
    storeLevels(out + i, f32x4.add(x, speckle ? f32x4.mul(z, x) : z));
  }
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

/** Photon counts by ../noise/shot-noise.ts's tables, as the levels that `levelOf` has for counts up to `most`. */
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
    const guide = level * perLevel + <u32>max<i32>(0, min<i32>(<i32>(u * <f32>perLevel), perLevel - 1));
    let count = <u32>load<u16>(guides + (<usize>guide << 1));
    // The last threshold of a level is 1.
    while (true) {
      const threshold = load<f32>(start + (<usize>count << 2));
      if (u < threshold || threshold >= 1) break;
      count++;
    }
    store<u8>(levels + i, load<u8>(levelOf + min(count, most)));
  }
}
