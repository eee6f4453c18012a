// AssemblyScript. A disk of equal weights, smoothed by a Gaussian, in a time that grows with its width and not its area.

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

/** taps_0 a + taps_1 (b + c), two f64 from four i32 each. */
// @ts-ignore: decorator
@inline
function mixed(centre: v128, sides: v128, taps: usize): v128 {
  const a = f64x2.mul(v128.load64_splat(taps), f64x2.convert_low_i32x4_s(centre));
  return f64x2.add(a, f64x2.mul(v128.load64_splat(taps, 8), f64x2.convert_low_i32x4_s(sides)));
}

/**
 * Levels of height × width × channels, clipped and truncated, from scale times the sums over a disk, smoothed down and
 * across by `taps` (f64) at the centre and beside it. `x` is the image as levels, bordered on all sides by the
 * radius of the disk plus one, `stride` bytes a row. Column i of the disk reaches `entering`_i bytes down, which `leaving`_i
 * exceeds by a row. `ring` has room for three rows of width + 2 pixels as i32, `line` for one as f64, each with room
 * for 16 elements more. Writes up to three bytes past the end.
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
  taps: usize,
  scale: f64,
  ring: usize,
  line: usize,
): void {
  const columns = 2 * radius + 1;
  const n = (width + 2) * channels;
  const ringBytes = <usize>(n + 16) << 2;
  const factor = f64x2.splat(scale);
  const t0 = v128.load64_splat(taps);
  const t1 = v128.load64_splat(taps, 8);
  const side = <usize>channels << 3;
  let centre = x + radius * stride;
  whole(centre, ring, n, entering, stride, columns, channels);
  for (let y: u32 = 1; y < height + 2; y++) {
    centre += stride;
    const lower = ring + (y % 3) * ringBytes;
    const middle = ring + ((y + 2) % 3) * ringBytes;
    slide(centre, middle, lower, n, entering, leaving, columns, channels);
    if (y < 2) continue;
    const upper = ring + ((y + 1) % 3) * ringBytes;
    for (let k: usize = 0; k < n; k += 4) {
      const own = v128.load(middle + (k << 2));
      const sides = i32x4.add(v128.load(upper + (k << 2)), v128.load(lower + (k << 2)));
      v128.store(line + (k << 3), mixed(own, sides, taps));
      const later = v128.shuffle<i64>(own, own, 1, 0);
      v128.store(line + (k << 3), mixed(later, v128.shuffle<i64>(sides, sides, 1, 0), taps), 16);
    }
    const inside = line + side;
    for (let k: usize = 0; k < width * channels; k += 4) {
      const at = inside + (k << 3);
      const a = f64x2.add(f64x2.mul(t0, v128.load(at)), f64x2.mul(t1, f64x2.add(v128.load(at - side), v128.load(at + side))));
      const b = f64x2.add(
        f64x2.mul(t0, v128.load(at, 16)),
        f64x2.mul(t1, f64x2.add(v128.load(at - side, 16), v128.load(at + side, 16))),
      );
      const low = i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(a, factor));
      const high = i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(b, factor));
      const words = i16x8.narrow_i32x4_s(v128.shuffle<i64>(low, high, 0, 2), i32x4.splat(0));
      v128.store32_lane(out + k, i8x16.narrow_i16x8_u(words, words), 0);
    }
    out += width * channels;
  }
}
