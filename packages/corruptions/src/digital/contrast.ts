import { type Corruption, deterministic, type NoFields, truncated } from '../corruption';

/** out = clip((v − μ) c + μ), μ the mean of the channel over the image. */
export const contrast: Corruption<number, NoFields> = {
  ...deterministic,
  apply({ levels, height, width, channels }, c) {
    const out = new Uint8Array(levels.length);
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let i = channel; i < levels.length; i += channels) sum += levels[i]!;
      const mean = sum / 255 / (height * width);
      const levelOf = Uint8Array.from({ length: 256 }, (_, level) =>
        truncated(((level / 255 - mean) * c + mean) * 255),
      );
      for (let i = channel; i < levels.length; i += channels) out[i] = levelOf[levels[i]!]!;
    }
    return out;
  },
};
