// AssemblyScript of digital/contrast.ts.

/** Replaces n levels by what a table of 256 for each channel says. */
export function applyTables(levels: usize, n: u32, channels: u32, tables: usize): void {
  const end = levels + n;
  if (channels == 1) for (; levels < end; levels++) store<u8>(levels, load<u8>(tables + <usize>load<u8>(levels)));
  else
    for (; levels < end; levels += 3) {
      store<u8>(levels, load<u8>(tables + <usize>load<u8>(levels)));
      store<u8>(levels, load<u8>(tables + <usize>load<u8>(levels, 1), 256), 1);
      store<u8>(levels, load<u8>(tables + <usize>load<u8>(levels, 2), 512), 2);
    }
}

/** The sums of the levels of each channel, as three f64; of one channel the sum is that of all three. */
export function channelSums(levels: usize, n: u32, out: usize): void {
  let first: u64 = 0;
  let second: u64 = 0;
  let third: u64 = 0;
  const end = levels + n;
  for (; levels + 3 <= end; levels += 3) {
    first += load<u8>(levels);
    second += load<u8>(levels, 1);
    third += load<u8>(levels, 2);
  }
  if (levels < end) first += load<u8>(levels);
  if (levels + 1 < end) second += load<u8>(levels, 1);
  store<f64>(out, <f64>first);
  store<f64>(out, <f64>second, 8);
  store<f64>(out, <f64>third, 16);
}
