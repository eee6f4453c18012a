import { type Corruption, deterministic, type NoFields, truncated } from '../corruption';
import { editedHsv } from '../digital/hsv';

/** V := clip(V + c) in hue, saturation, value. An image of one channel is its own V. */
export const brightness: Corruption<number, NoFields> = {
  ...deterministic,
  apply({ levels, channels }, c) {
    if (channels === 1) return Uint8Array.from(levels, (level) => truncated((level / 255 + c) * 255));
    return editedHsv(
      levels,
      (saturation) => saturation,
      (value) => Math.min(value + c, 1),
    );
  },
};
