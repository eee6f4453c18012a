import * as tf from '@tensorflow/tfjs-core';
import type { Simd } from '../backends/simd-module';
import { type Corruption, deterministic, type NoFields } from '../corruption';
import { wholeNumber } from '../fields/field-rules';
import type { Image, SimdImage } from '../images/image';
import { quantizedPlane } from './jpeg/blocks';
import { doubled, halved, toRgb, toYCbCr } from './jpeg/color';
import { halvedChromaOnDevice, luminanceOnDevice, quantizedPlanesOnDevice, rgbOnDevice } from './jpeg/on-device';
import { quantizationTable } from './jpeg/quantization';

/**
 * The image after libjpeg(-turbo) has coded and decoded it at a quality from 1 to 100, baseline, chroma halved both ways
 * (4:2:0); one channel is coded as luminance. The entropy coding loses nothing and is left out.
 */
function throughJpeg({ levels, height, width, channels }: Image, quality: number): Uint8Array {
  const luminance = quantizationTable('luminance', quality);
  if (channels === 1) return quantizedPlane({ height, width, samples: levels }, luminance).samples;
  const chrominance = quantizationTable('chrominance', quality);
  const [y, cb, cr] = toYCbCr(levels, height, width);
  const chroma = (plane: typeof cb) => doubled(quantizedPlane(halved(plane), chrominance), height, width);
  return toRgb(quantizedPlane(y, luminance).samples, chroma(cb), chroma(cr));
}

/** `throughJpeg` in the memory of the SIMD module: the same integers. */
function throughJpegInMemory(simd: Simd, { at, height, width, channels }: SimdImage, quality: number): number {
  const { kernels } = simd;
  const table = (kind: 'luminance' | 'chrominance') => {
    const steps = Int16Array.from(quantizationTable(kind, quality));
    const bytes = new Uint8Array(64 * 6);
    bytes.set(new Uint8Array(Float32Array.from(steps, (q) => 1 / (8 * q)).buffer));
    bytes.set(new Uint8Array(steps.buffer), 64 * 4);
    return simd.copy(bytes);
  };
  const pixels = height * width;
  const coded = simd.allocate(pixels);
  if (channels === 1) {
    kernels.codePlane(at, coded, height, width, table('luminance'));
    return coded;
  }
  const [y, cb, cr] = [simd.allocate(pixels), simd.allocate(pixels), simd.allocate(pixels)];
  kernels.toYCbCr(at, pixels, y, cb, cr);
  kernels.codePlane(y, coded, height, width, table('luminance'));
  const halfHeight = Math.ceil(height / 2);
  const halfWidth = 8 * Math.ceil(width / 16);
  const half = simd.allocate(halfHeight * halfWidth);
  const chrominance = table('chrominance');
  const chroma = (plane: number) => {
    const out = simd.allocate(halfHeight * halfWidth);
    kernels.halved(plane, half, height, width, halfWidth);
    kernels.codePlane(half, out, halfHeight, halfWidth, chrominance);
    return out;
  };
  const [blue, red] = [chroma(cb), chroma(cr)];
  kernels.toRgb(coded, blue, red, halfWidth, at, height, width, simd.allocate(6 * (width + 32)));
  return at;
}

/** `throughJpeg` at the quality of the severity. */
export const jpegCompression: Corruption<number, NoFields> = {
  ...deterministic,
  parameterRules: { quality: wholeNumber(1, 100) },
  apply: (image, quality) => throughJpeg(image, quality),
  simd: throughJpegInMemory,
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
