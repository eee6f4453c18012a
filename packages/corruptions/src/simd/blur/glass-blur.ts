// AssemblyScript of blur/glass-blur.ts.

/** Words to pairs (dx, dy) in -d..d-1, one from the lower and one from the upper half. */
export function glassOffsets(words: usize, out: usize, n: u32, d: u32): void {
  const span = i16x8.splat(<i16>(2 * d));
  const low = i16x8.splat(<i16>d);
  // Four words to eight bytes: the upper halves of the products, which are less than 256, less d.
  for (let i: u32 = 0; i < n; i += 8) {
    const a = i16x8.sub(scaled(v128.load(words), span), low);
    const b = i16x8.sub(scaled(v128.load(words, 16), span), low);
    v128.store(out, i8x16.narrow_i16x8_s(a, b));
    words += 32;
    out += 16;
  }
}

/** The upper halves of the products of unsigned 16-bit numbers. */
// @ts-ignore: decorator
@inline
function scaled(a: v128, b: v128): v128 {
  const low = i32x4.extmul_low_i16x8_u(a, b);
  const high = i32x4.extmul_high_i16x8_u(a, b);
  return v128.shuffle<i16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
}

/** Visits the pixels from the last to the first, and copies to each what its offset points to. */
export function shuffle(
  levels: usize,
  offsets: usize,
  height: i32,
  width: i32,
  channels: i32,
  d: i32,
  iterations: i32,
): void {
  const stride = width * channels;
  for (let iteration = 0; iteration < iterations; iteration++)
    for (let y = height - d; y > d; y--) {
      const row = levels + y * stride;
      for (let to = row + (width - d) * channels; to > row + d * channels; to -= channels) {
        const from = to + <i32>load<i8>(offsets, 1) * stride + <i32>load<i8>(offsets) * channels;
        offsets += 2;
        store<u8>(to, load<u8>(from));
        if (channels == 3) {
          store<u8>(to, load<u8>(from, 1), 1);
          store<u8>(to, load<u8>(from, 2), 2);
        }
      }
    }
}
