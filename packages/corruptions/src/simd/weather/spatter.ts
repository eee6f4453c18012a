// AssemblyScript of weather/spatter.ts: the same numbers, in f32.
import { clipped } from '../images/levels';

/** A level under m of a component of the liquid, of which `share` shows through. */
// @ts-ignore: decorator
@inline
function under(level: u8, share: f32, m: f32, component: f32): u8 {
  const v = (<f32>level / 255) * share;
  return clipped((v + m * component) * 255);
}

/**
 * Levels under a liquid of the colour (red, green, blue), in their place: v + m colour, or v (1 - m) + m colour with `mud`,
 * for a mask of f32.
 */
export function spattered(
  levels: usize,
  pixels: u32,
  channels: u32,
  mask: usize,
  red: f32,
  green: f32,
  blue: f32,
  mud: bool,
): void {
  const end = mask + (<usize>pixels << 2);
  for (; mask < end; mask += 4) {
    const m = load<f32>(mask);
    const share: f32 = mud ? 1 - m : 1;
    store<u8>(levels, under(load<u8>(levels), share, m, red));
    if (channels == 3) {
      store<u8>(levels, under(load<u8>(levels, 1), share, m, green), 1);
      store<u8>(levels, under(load<u8>(levels, 2), share, m, blue), 2);
    }
    levels += channels;
  }
}
