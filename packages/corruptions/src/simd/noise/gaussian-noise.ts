// AssemblyScript of noise/gaussian-noise.ts.
import { fourOfPairs, storeIntegers, unitPair } from '../images/levels';

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
