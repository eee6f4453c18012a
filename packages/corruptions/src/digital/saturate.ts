import { type Corruption, deterministic, type NoFields } from '../corruption';
import { editedHsv } from './hsv';

/** S := clip(S a + b) in hue, saturation, value. Greys have hue 0, so b > 0 tints them red; one channel stays as it is. */
export const saturate: Corruption<readonly [factor: number, offset: number], NoFields> = {
  ...deterministic,
  apply({ levels, channels }, [a, b]) {
    if (channels === 1) return levels.slice();
    return editedHsv(
      levels,
      (saturation) => Math.min(Math.max(saturation * a + b, 0), 1),
      (value) => value,
    );
  },
};
