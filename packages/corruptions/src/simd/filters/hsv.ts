// AssemblyScript of filters/hsv.ts: float64, two pixels at a time: the same operations, so the same numbers.
import { unitPair } from '../images/levels';

/** Two f64 in 0..1 as levels, truncated, in the lower i32. */
// @ts-ignore: decorator
@inline
function levels(v: v128): v128 {
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(v, f64x2.splat(255)));
}

// @ts-ignore: decorator
@inline
function either(a: v128, b: v128, condition: v128): v128 {
  return v128.bitselect(a, b, condition);
}

/**
 * Which of v, p, q and t are red, green and blue in each of the six sextants, as bytes of four i32; a hue of 1 counts as 0.
 */
const orders = memory.data<u32>([0x040c00, 0x040008, 0x0c0004, 0x000804, 0x00040c, 0x080400, 0x040c00]);

/**
 * RGB levels after S := clip(a S + b) and V := clip(V + c), in their place. Works on pairs of pixels; of an odd
 * number the last pair reaches three bytes past the end.
 */
export function editHsv(at: usize, pixels: u32, a: f64, b: f64, c: f64): void {
  const one = f64x2.splat(1);
  const zero = f64x2.splat(0);
  const six = f64x2.splat(6);
  const end = at + pixels * 3;
  for (; at < end; at += 6) {
    const red = unitPair(at, at + 3);
    const green = unitPair(at + 1, at + 4);
    const blue = unitPair(at + 2, at + 5);
    const most = f64x2.max(f64x2.max(red, green), blue);
    const chroma = f64x2.sub(most, f64x2.min(f64x2.min(red, green), blue));
    const grey = f64x2.eq(chroma, zero);
    // Greys have saturation and hue 0; they divide by 1 instead of 0.
    const divisor = either(one, chroma, grey);
    const saturation = either(zero, f64x2.div(chroma, most), grey);
    const fromRed = f64x2.div(f64x2.sub(green, blue), divisor);
    const fromGreen = f64x2.add(f64x2.splat(2), f64x2.div(f64x2.sub(blue, red), divisor));
    const fromBlue = f64x2.add(f64x2.splat(4), f64x2.div(f64x2.sub(red, green), divisor));
    const sixth = either(fromBlue, either(fromGreen, fromRed, f64x2.eq(green, most)), f64x2.eq(blue, most));
    const turns = f64x2.div(either(zero, sixth, grey), six);
    const hue = either(f64x2.add(turns, one), turns, f64x2.lt(turns, zero));
    const sixths = f64x2.mul(hue, six);
    const sextant = f64x2.floor(sixths);
    const f = f64x2.sub(sixths, sextant);

    const s = f64x2.pmin(one, f64x2.pmax(zero, f64x2.add(f64x2.mul(saturation, f64x2.splat(a)), f64x2.splat(b))));
    const v = f64x2.pmin(one, f64x2.pmax(zero, f64x2.add(most, f64x2.splat(c))));
    const value = levels(v);
    const p = levels(f64x2.mul(v, f64x2.sub(one, s)));
    const q = levels(f64x2.mul(v, f64x2.sub(one, f64x2.mul(f, s))));
    const t = levels(f64x2.mul(v, f64x2.sub(one, f64x2.mul(f64x2.sub(one, f), s))));

    const vp = v128.shuffle<i32>(value, p, 0, 4, 1, 5);
    const qt = v128.shuffle<i32>(q, t, 0, 4, 1, 5);
    storeOrdered(at, v128.shuffle<i64>(vp, qt, 0, 2), <i32>f64x2.extract_lane(sextant, 0));
    storeOrdered(at + 3, v128.shuffle<i64>(vp, qt, 1, 3), <i32>f64x2.extract_lane(sextant, 1));
  }
}

/** v, p, q and t as red, green and blue. */
// @ts-ignore: decorator
@inline
function storeOrdered(at: usize, components: v128, sextant: i32): void {
  const colour = i8x16.swizzle(components, v128.load32_zero(orders + (<usize>sextant << 2)));
  v128.store8_lane(at, colour, 0);
  v128.store8_lane(at, colour, 1, 1);
  v128.store8_lane(at, colour, 2, 2);
}
