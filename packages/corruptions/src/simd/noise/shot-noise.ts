// AssemblyScript of noise/shot-noise.ts.

/**
 * Photon counts by the tables of noise/shot-noise.ts, as the levels that `levelOf` has for counts up to `most`, in place of
 * n levels. Uniforms lie in [0, 1), and the last threshold of a level is 1.
 */
export function poissonNoise(
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
    const guide = level * perLevel + <u32>(u * <f32>perLevel);
    let count = <u32>load<u16>(guides + (<usize>guide << 1));
    // Nearly always one of these two: without a jump, which would be guessed wrong half the time.
    count += <u32>(u >= load<f32>(start + (<usize>count << 2)));
    count += <u32>(u >= load<f32>(start + (<usize>count << 2)));
    while (u >= load<f32>(start + (<usize>count << 2))) count++;
    store<u8>(levels + i, load<u8>(levelOf + min(count, most)));
  }
}

/** Counts (i32) as the levels that `levelOf` has for counts up to `most`. */
export function counted(counts: usize, levels: usize, n: u32, levelOf: usize, most: u32): void {
  for (let i: usize = 0; i < n; i++) store<u8>(levels + i, load<u8>(levelOf + min(load<u32>(counts + (i << 2)), most)));
}
