import { type Corruption, deterministic, type Image, type NoFields } from '../corruption';
import { quantizedPlane } from './jpeg/blocks';
import { doubled, halved, toRgb, toYCbCr } from './jpeg/color';
import { quantizationTable } from './jpeg/quantization';

/**
 * The image after libjpeg(-turbo) has coded and decoded it at a quality from 1 to 100, baseline, chroma halved both ways
 * (4:2:0); one channel is coded as luminance. The entropy coding loses nothing and is left out.
 */
export function throughJpeg({ levels, height, width, channels }: Image, quality: number): Uint8Array {
  const luminance = quantizationTable('luminance', quality);
  if (channels === 1) return quantizedPlane({ height, width, samples: levels }, luminance).samples;
  const chrominance = quantizationTable('chrominance', quality);
  const [y, cb, cr] = toYCbCr(levels, height, width);
  const chroma = (plane: typeof cb) => doubled(quantizedPlane(halved(plane), chrominance), height, width);
  return toRgb(quantizedPlane(y, luminance).samples, chroma(cb), chroma(cr));
}

/** `throughJpeg` at the quality of the severity. */
export const jpegCompression: Corruption<number, NoFields> = {
  ...deterministic,
  apply: throughJpeg,
};
