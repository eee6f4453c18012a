// AssemblyScript of noise/impulse-noise.ts.

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
