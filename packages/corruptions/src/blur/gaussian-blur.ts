import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Simd } from '../backends/simd-module';
import { map, PLACE, TIE, TRUNCATED } from '../backends/webgpu-program';
import { type Corruption, deterministic, type NoFields } from '../corruption';
import { number } from '../fields/field-rules';
import { BORDERS } from '../filters/border';
import { gaussianFilter, gaussianRadius, gaussianTaps, isWide, smoothedInMemory } from '../filters/gaussian-filter';
import { type Image, type SimdImage, truncated } from '../images/image';

/** Published: scikit-image cuts the kernel at 4 σ. */
const TRUNCATE = 4;

/** The levels, clipped and truncated, of an image smoothed by a Gaussian of int(4 σ + ½) pixels' radius, edges repeated. */
export function blurredLevels(image: Image, sigma: number): Uint8Array {
  const values = Float64Array.from(image.levels, (level) => level / 255);
  const blurred = gaussianFilter({ ...image, values }, [sigma, sigma], TRUNCATE, 'edge');
  return Uint8Array.from(blurred, (v) => truncated(v * 255));
}

/** `blurredLevels` in the memory of the SIMD module; images smaller than the kernel are left to `apply`. */
export function blurredInMemory(simd: Simd, image: SimdImage, sigma: number): number | undefined {
  const radius = gaussianRadius(sigma, TRUNCATE);
  if (isWide(radius, image.height) || isWide(radius, image.width)) return undefined;
  return smoothedInMemory(
    simd,
    image,
    { sigmas: [sigma, sigma], truncate: TRUNCATE, border: 'edge', scale: 255 },
    'levels',
  );
}

/** `blurredLevels` on the device. */
export function blurredOnDevice(images: Tensor4D, sigma: number): Tensor4D {
  const radius = gaussianRadius(sigma, TRUNCATE);
  if (radius === 0) return images;
  const taps = Float32Array.from(gaussianTaps(sigma, radius));
  const along = (values: Tensor4D, axis: 'y' | 'x') =>
    map(values, {
      key: `gaussian_${axis}`,
      inputs: { taps },
      integers: { radius },
      floats: { bias: TIE },
      dtype: axis === 'y' ? 'float32' : 'int32',
      code: `${PLACE}${TRUNCATED}${BORDERS.edge}
        fn value(p : Place, j : i32) -> f32 {
          let y = ${axis === 'y' ? 'border(p.y + j, uniforms.height)' : 'p.y'};
          let x = ${axis === 'x' ? 'border(p.x + j, uniforms.width)' : 'p.x'};
          return f32(levels[at(p.image, y, x, p.channel)]);
        }
        fn main(index : i32) {
          if (index < uniforms.size) {
            let p = place(index);
            var sum = taps[0] * value(p, 0);
            for (var j = uniforms.radius; j > 0; j = j - 1) { sum = sum + taps[j] * (value(p, -j) + value(p, j)); }
            result[index] = ${axis === 'y' ? 'sum' : 'truncated(sum + uniforms.bias)'};
          }
        }`,
    });
  return along(along(images, 'y'), 'x');
}

/** out = clip(G_σ v) */
export const gaussianBlur: Corruption<number, NoFields> = {
  ...deterministic,
  parameterRules: { sigma: number(0, 256) },
  apply: blurredLevels,
  simd: blurredInMemory,
  onDevice: blurredOnDevice,
};
