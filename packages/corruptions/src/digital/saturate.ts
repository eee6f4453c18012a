import { type Corruption, deterministic, type NoFields } from '../corruption';
import { hueOf, writeHsv } from './hsv';

/** S := clip(S a + b) in hue, saturation, value. Greys have hue 0, so b > 0 tints them red; one channel stays as it is. */
export const saturate: Corruption<readonly [factor: number, offset: number], NoFields> = {
  ...deterministic,
  apply({ levels, channels }, [a, b]) {
    if (channels === 1) return levels.slice();
    const out = new Uint8Array(levels.length);
    for (let i = 0; i < levels.length; i += 3) {
      const red = levels[i]! / 255;
      const green = levels[i + 1]! / 255;
      const blue = levels[i + 2]! / 255;
      const value = Math.max(red, green, blue);
      const chroma = value - Math.min(red, green, blue);
      const saturation = chroma === 0 ? 0 : chroma / value;
      const edited = Math.min(Math.max(saturation * a + b, 0), 1);
      writeHsv(hueOf(red, green, blue, value, chroma), edited, value, out, i);
    }
    return out;
  },
};
