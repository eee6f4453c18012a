import { type Corruption, truncated } from '../corruption';
import type { ParametersOf } from '../severities';
import { frostTexture } from './frost-texture';

export interface FrostField {
  /** A picture of frost the size of the image, H×W×3, 0..255. */
  readonly texture: ArrayLike<number>;
}

/** out = clip(a x + b F) in 0..255, F the texture; an image of one channel takes its luma. a + b > 1: it brightens. */
export const frost: Corruption<ParametersOf['frost'], FrostField> = {
  draw({ height, width }, _parameters, stream, variant) {
    return { texture: frostTexture(height, width, { stream, ...variant }) };
  },
  fieldSizes: ({ height, width }) => ({ texture: height * width * 3 }),
  apply({ levels, channels }, [a, b], { texture }) {
    const out = new Uint8Array(levels.length);
    if (channels === 3) for (let i = 0; i < out.length; i++) out[i] = truncated(a * levels[i]! + b * texture[i]!);
    else
      for (let i = 0, at = 0; i < out.length; i++, at += 3) {
        const luma = 0.299 * texture[at]! + 0.587 * texture[at + 1]! + 0.114 * texture[at + 2]!;
        out[i] = truncated(a * levels[i]! + b * luma);
      }
    return out;
  },
};
