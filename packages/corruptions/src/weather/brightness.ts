import { type Corruption, deterministic, type NoFields, truncated } from '../corruption';
import { hueOf, writeHsv } from '../digital/hsv';

/** V := clip(V + c) in hue, saturation, value. An image of one channel is its own V. */
export const brightness: Corruption<number, NoFields> = {
  ...deterministic,
  apply({ levels, channels }, c) {
    if (channels === 1) return Uint8Array.from(levels, (level) => truncated((level / 255 + c) * 255));
    const out = new Uint8Array(levels.length);
    for (let i = 0; i < levels.length; i += 3) {
      const r = levels[i]! / 255;
      const g = levels[i + 1]! / 255;
      const b = levels[i + 2]! / 255;
      const value = Math.max(r, g, b);
      const chroma = value - Math.min(r, g, b);
      const saturation = chroma === 0 ? 0 : chroma / value;
      writeHsv(hueOf(r, g, b, value, chroma), saturation, Math.min(value + c, 1), out, i);
    }
    return out;
  },
};
