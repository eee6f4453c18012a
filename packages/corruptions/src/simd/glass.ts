// AssemblyScript. The shuffle of ../blur/glass-blur.ts.

/** Words to pairs (dx, dy) in -d..d-1, one from the lower and one from the upper half. */
export function glassOffsets(words: usize, out: usize, n: u32, d: u32): void {
  const span = 2 * d;
  for (let i: u32 = 0; i < n; i++) {
    const word = load<u32>(words);
    store<i8>(out, <i8>((((word & 0xffff) * span) >> 16) - d));
    store<i8>(out, <i8>((((word >> 16) * span) >> 16) - d), 1);
    words += 4;
    out += 2;
  }
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
  for (let iteration = 0; iteration < iterations; iteration++)
    for (let y = height - d; y > d; y--)
      for (let x = width - d; x > d; x--) {
        const to = levels + (y * width + x) * channels;
        const from = to + (<i32>load<i8>(offsets, 1) * width + <i32>load<i8>(offsets)) * channels;
        offsets += 2;
        for (let c = 0; c < channels; c++) store<u8>(to + c, load<u8>(from + c));
      }
}
