// AssemblyScript. ../weather/spatter.ts, the same numbers.
import { clipped } from './convert';

/**
 * Levels under a liquid of the colour (red, green, blue), in their place: v + m colour, or v (1 - m) + m colour with `mud`.
 * `units` is a table of level / 255.
 */
export function spattered(
  levels: usize,
  pixels: u32,
  channels: u32,
  mask: usize,
  units: usize,
  red: f64,
  green: f64,
  blue: f64,
  mud: bool,
): void {
  const end = mask + (<usize>pixels << 3);
  for (; mask < end; mask += 8) {
    const m = load<f64>(mask);
    const share = mud ? 1 - m : 1;
    store<u8>(levels, clipped((load<f64>(units + (<usize>load<u8>(levels) << 3)) * share + m * red) * 255));
    if (channels == 3) {
      store<u8>(levels, clipped((load<f64>(units + (<usize>load<u8>(levels, 1) << 3)) * share + m * green) * 255), 1);
      store<u8>(levels, clipped((load<f64>(units + (<usize>load<u8>(levels, 2) << 3)) * share + m * blue) * 255), 2);
    }
    levels += channels;
  }
}
