import * as tf from '@tensorflow/tfjs-core';
import { type Corruption, deterministic, type Image, type NoFields } from '../corruption';
import type { Simd } from '../simd-module';
import { quantizedPlane, quantizedPlaneBySimd } from './jpeg/blocks';
import { doubled, halved, toRgb, toYCbCr } from './jpeg/color';
import { halvedChromaOnDevice, luminanceOnDevice, quantizedPlanesOnDevice, rgbOnDevice } from './jpeg/on-device';
import { quantizationTable } from './jpeg/quantization';

/**
 * The image after libjpeg(-turbo) has coded and decoded it at a quality from 1 to 100, baseline, chroma halved both ways
 * (4:2:0); one channel is coded as luminance. The entropy coding loses nothing and is left out.
 */
export function throughJpeg({ levels, height, width, channels }: Image, quality: number, simd?: Simd): Uint8Array {
  const coded: typeof quantizedPlane = simd
    ? (plane, table) => quantizedPlaneBySimd(simd, plane, table)
    : quantizedPlane;
  const luminance = quantizationTable('luminance', quality);
  if (channels === 1) return coded({ height, width, samples: levels }, luminance).samples;
  const chrominance = quantizationTable('chrominance', quality);
  const [y, cb, cr] = toYCbCr(levels, height, width);
  const chroma = (plane: typeof cb) => doubled(coded(halved(plane), chrominance), height, width);
  return toRgb(coded(y, luminance).samples, chroma(cb), chroma(cr));
}

/** `throughJpeg` at the quality of the severity. */
export const jpegCompression: Corruption<number, NoFields> = {
  ...deterministic,
  apply: (image, quality) => throughJpeg(image, quality),
  simd: (simd, image, quality) => throughJpeg(image, quality, simd),
  onDevice(images, quality) {
    const [count, height, width, channels] = images.shape;
    const table = quantizationTable('luminance', quality);
    if (channels === 1) return tf.reshape(quantizedPlanesOnDevice(images, [count, height, width], table), images.shape);
    const luminance = quantizedPlanesOnDevice(luminanceOnDevice(images), [count, height, width], table);
    const halves = halvedChromaOnDevice(images);
    const shape = halves.shape as [number, number, number];
    const chroma = quantizedPlanesOnDevice(halves, shape, quantizationTable('chrominance', quality));
    return rgbOnDevice(luminance, chroma, images.shape);
  },
};
