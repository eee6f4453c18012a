// AssemblyScript of weather/frost.ts.
import { fourOfPairs, loadIntegers, storeIntegers } from '../images/levels';

/** clip(a x + b F) in f64 for n levels of an image and a texture, in place of the image's. */
export function blend(levels: usize, texture: usize, n: u32, a: f64, b: f64): void {
  const end = levels + n;
  for (; levels < end; levels += 4) {
    const x = loadIntegers(levels);
    const f = loadIntegers(texture);
    const high = mixed(v128.shuffle<i64>(x, x, 1, 0), v128.shuffle<i64>(f, f, 1, 0), a, b);
    storeIntegers(levels, fourOfPairs(mixed(x, f, a, b), high));
    texture += 4;
  }
}

/** a x + b f of the two lower integers. */
// @ts-ignore: decorator
@inline
function mixed(x: v128, f: v128, a: f64, b: f64): v128 {
  const image = f64x2.mul(f64x2.splat(a), f64x2.convert_low_i32x4_s(x));
  return f64x2.add(image, f64x2.mul(f64x2.splat(b), f64x2.convert_low_i32x4_s(f)));
}
