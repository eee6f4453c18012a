import type { Tensor4D } from '@tensorflow/tfjs-core';
import { float32, type Simd } from '../backends/simd-module';
import { joined, map, TRUNCATED } from '../backends/webgpu-program';
import type { Corruption } from '../corruption';
import { number, reals } from '../fields/field-rules';
import { type SimdImage, sizeOf, truncated } from '../images/image';

export interface NormalField {
  /** Standard normals, H×W×C. */
  readonly normal: ArrayLike<number>;
}

/** out = clip(v + c n), n standard normal, independent for every value. */
export const gaussianNoise: Corruption<number, NormalField> = {
  parameterRules: { c: number(0, 1000) },
  draw: (shape, _c, stream) => ({ normal: stream.normals(sizeOf(shape)) }),
  fieldRules: (shape) => ({ normal: reals(sizeOf(shape)) }),
  apply({ levels }, c, { normal }) {
    const out = new Uint8Array(levels.length);
    for (let i = 0; i < out.length; i++) out[i] = truncated((levels[i] / 255 + c * normal[i]) * 255);
    return out;
  },
  simd: (simd, image, c, { normal }) => withNoise(simd, image, c, normal, false),
  onDevice: (images, c, fields) => withNoiseOnDevice(images, c, fields, false),
};

/** out = clip(v + c v n), n standard normal, independent for every value. */
export const speckleNoise: Corruption<number, NormalField> = {
  ...gaussianNoise,
  apply({ levels }, c, { normal }) {
    const out = new Uint8Array(levels.length);
    for (let i = 0; i < out.length; i++) {
      const v = levels[i] / 255;
      out[i] = truncated((v + v * (c * normal[i])) * 255);
    }
    return out;
  },
  simd: (simd, image, c, { normal }) => withNoise(simd, image, c, normal, true),
  onDevice: (images, c, fields) => withNoiseOnDevice(images, c, fields, true),
};

function withNoise(simd: Simd, image: SimdImage, c: number, normal: ArrayLike<number>, speckle: boolean): number {
  simd.kernels.addNoise(image.at, simd.copy(float32(normal)), sizeOf(image), c, speckle);
  return image.at;
}

function withNoiseOnDevice(images: Tensor4D, c: number, fields: readonly NormalField[], speckle: boolean): Tensor4D {
  return map(images, {
    key: `noise_${speckle}`,
    inputs: { normal: joined(fields.map(({ normal }) => normal)) },
    floats: { c },
    code: `${TRUNCATED}
      fn main(index : i32) {
        if (index < uniforms.size) {
          let x = f32(levels[index]);
          result[index] = truncated(x + uniforms.c * normal[index] * ${speckle ? 'x' : '255.0'});
        }
      }`,
  });
}
