// AssemblyScript of blur/defocus-blur.ts: a disk of equal weights, smoothed by a Gaussian, in a time that grows with its width and not its area.
import { fourOfPairs, storeIntegers } from '../images/levels';

/** sums += what enters the disk from one row to the next - what leaves it, 16 elements at a time. */
function slide(
  x: usize,
  before: usize,
  sums: usize,
  n: u32,
  entering: usize,
  leaving: usize,
  columns: u32,
  channels: u32,
): void {
  for (let k: usize = 0; k < n; k += 16) {
    let low = i16x8.splat(0);
    let high = i16x8.splat(0);
    let from = x + k;
    for (let i: usize = 0; i < <usize>columns << 2; i += 4) {
      const enters = from + load<u32>(entering + i);
      const leaves = from - load<u32>(leaving + i);
      low = i16x8.add(low, i16x8.sub(v128.load8x8_u(enters), v128.load8x8_u(leaves)));
      high = i16x8.add(high, i16x8.sub(v128.load8x8_u(enters, 8), v128.load8x8_u(leaves, 8)));
      from += channels;
    }
    const to = sums + (k << 2);
    const old = before + (k << 2);
    v128.store(to, i32x4.add(v128.load(old), i32x4.extend_low_i16x8_s(low)));
    v128.store(to, i32x4.add(v128.load(old, 16), i32x4.extend_high_i16x8_s(low)), 16);
    v128.store(to, i32x4.add(v128.load(old, 32), i32x4.extend_low_i16x8_s(high)), 32);
    v128.store(to, i32x4.add(v128.load(old, 48), i32x4.extend_high_i16x8_s(high)), 48);
  }
}

/** The sums of the first row, element by element. */
function whole(x: usize, sums: usize, n: u32, entering: usize, stride: u32, columns: u32, channels: u32): void {
  for (let k: usize = 0; k < n; k++) {
    let sum: u32 = 0;
    for (let i: u32 = 0; i < columns; i++) {
      const reach = load<u32>(entering + (<usize>i << 2));
      const at = x + k + i * channels;
      for (let y = at - reach; y <= at + reach; y += stride) sum += load<u8>(y);
    }
    store<u32>(sums + (k << 2), sum);
  }
}

/** Two f64 from the lower two of four i32, times a tap. */
// @ts-ignore: decorator
@inline
function weighted(sum: v128, tap: usize): v128 {
  return f64x2.mul(v128.load64_splat(tap), f64x2.convert_low_i32x4_s(sum));
}

/** The upper two of four elements as the lower two. */
// @ts-ignore: decorator
@inline
function swapped(v: v128): v128 {
  return v128.shuffle<i64>(v, v, 1, 0);
}

/** The sums of two f64 so many bytes to the left and to the right. */
// @ts-ignore: decorator
@inline
function beside(at: usize, bytes: usize): v128 {
  return f64x2.add(v128.load(at - bytes), v128.load(at + bytes));
}

/**
 * Levels of height × width × channels, clipped and truncated, from scale times the sums over a disk, smoothed down and
 * across by `taps` (f64), at the centre and at each distance up to `half` (1 or 2), plus `extra` (f32 for every level).
 * `x` is the image as levels, bordered on all sides by radius + half, `stride` bytes a row. Column i of the disk reaches
 * `entering`_i bytes down, which `leaving`_i exceeds by a row. `ring` has room for 2 half + 1 rows of width + 2 half pixels
 * as i32, `line` for one as f64, each with room for 16 elements more. Writes up to three bytes past the end.
 */
export function diskBlurred(
  x: usize,
  out: usize,
  height: u32,
  width: u32,
  channels: u32,
  stride: u32,
  radius: u32,
  entering: usize,
  leaving: usize,
  half: u32,
  taps: usize,
  scale: f64,
  extra: usize,
  ring: usize,
  line: usize,
): void {
  const columns = 2 * radius + 1;
  const slots = 2 * half + 1;
  const n = (width + 2 * half) * channels;
  const ringBytes = (n + 16) << 2;
  const factor = f64x2.splat(scale);
  const t0 = v128.load64_splat(taps);
  const t1 = v128.load64_splat(taps, 8);
  const pixel = <usize>channels << 3;
  let centre = x + radius * stride;
  whole(centre, ring, n, entering, stride, columns, channels);
  for (let y: u32 = 1; y < height + 2 * half; y++) {
    centre += stride;
    const lowest = ring + (y % slots) * ringBytes;
    slide(centre, ring + ((y - 1) % slots) * ringBytes, lowest, n, entering, leaving, columns, channels);
    if (y < 2 * half) continue;
    const middle = ring + ((y - half) % slots) * ringBytes;
    const above = ring + ((y - half - 1) % slots) * ringBytes;
    const below = ring + ((y - half + 1) % slots) * ringBytes;
    const highest = ring + ((y - 2 * half) % slots) * ringBytes;
    for (let k: usize = 0; k < n; k += 4) {
      const at = k << 2;
      const own = v128.load(middle + at);
      const near = i32x4.add(v128.load(above + at), v128.load(below + at));
      let low = f64x2.add(weighted(own, taps), weighted(near, taps + 8));
      let high = f64x2.add(weighted(swapped(own), taps), weighted(swapped(near), taps + 8));
      if (half > 1) {
        const far = i32x4.add(v128.load(highest + at), v128.load(lowest + at));
        low = f64x2.add(low, weighted(far, taps + 16));
        high = f64x2.add(high, weighted(swapped(far), taps + 16));
      }
      v128.store(line + (k << 3), low);
      v128.store(line + (k << 3), high, 16);
    }
    const inside = line + half * pixel;
    for (let k: usize = 0; k < width * channels; k += 4) {
      const at = inside + (k << 3);
      let a = f64x2.add(f64x2.mul(t0, v128.load(at)), f64x2.mul(t1, beside(at, pixel)));
      let b = f64x2.add(f64x2.mul(t0, v128.load(at, 16)), f64x2.mul(t1, beside(at + 16, pixel)));
      if (half > 1) {
        const t2 = v128.load64_splat(taps, 16);
        a = f64x2.add(a, f64x2.mul(t2, beside(at, 2 * pixel)));
        b = f64x2.add(b, f64x2.mul(t2, beside(at + 16, 2 * pixel)));
      }
      a = f64x2.mul(a, factor);
      b = f64x2.mul(b, factor);
      if (extra) {
        const more = v128.load(extra + (k << 2));
        a = f64x2.add(a, f64x2.promote_low_f32x4(more));
        b = f64x2.add(b, f64x2.promote_low_f32x4(swapped(more)));
      }
      storeIntegers(out + k, fourOfPairs(a, b));
    }
    out += width * channels;
    if (extra) extra += (width * channels) << 2;
  }
}
