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
