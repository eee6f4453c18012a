import { joined, map, TRUNCATED } from '../backends/webgpu-program';
import type { Corruption } from '../corruption';
import { levelNumbers, number } from '../fields/field-rules';
import { sizeOf, truncated } from '../images/image';
import type { ParametersOf } from '../options/severities';
import { frostTexture } from './frost/frost-texture';

export interface FrostField {
  /** A picture of frost the size of the image, H×W×3, 0..255. */
  readonly texture: ArrayLike<number>;
}

/** out = clip(a x + b F) in 0..255, F the texture; an image of one channel takes its luma. a + b > 1: it brightens. */
export const frost: Corruption<ParametersOf['frost'], FrostField> = {
  parameterRules: { image: number(0, 1000), texture: number(0, 1000) },
  draw({ height, width }, _parameters, stream, variant) {
    return { texture: frostTexture(height, width, { stream, ...variant }) };
  },
  fieldRules: ({ height, width }) => ({ texture: levelNumbers(height * width * 3) }),
  apply({ levels, channels }, [a, b], { texture }) {
    const out = new Uint8Array(levels.length);
    if (channels === 3) for (let i = 0; i < out.length; i++) out[i] = truncated(a * levels[i] + b * texture[i]);
    else
      for (let i = 0, at = 0; i < out.length; i++, at += 3) {
        const luma = 0.299 * texture[at] + 0.587 * texture[at + 1] + 0.114 * texture[at + 2];
        out[i] = truncated(a * levels[i] + b * luma);
      }
    return out;
  },
  simd(simd, image, [a, b], { texture }) {
    if (image.channels === 1 || !(texture instanceof Uint8Array)) return undefined;
    simd.kernels.blend(image.at, simd.copy(texture), sizeOf(image), a, b);
    return image.at;
  },
  onDevice: (images, [a, b], fields) =>
    map(images, {
      key: 'frost',
      inputs: { texture: joined(fields.map(({ texture }) => texture)) },
      floats: { a, b },
      code: `${TRUNCATED}
        fn main(index : i32) {
          if (index < uniforms.size) {
            var ice = 0.0;
            if (uniforms.channels == 3) { ice = texture[index]; }
            else { ice = 0.299 * texture[3 * index] + 0.587 * texture[3 * index + 1] + 0.114 * texture[3 * index + 2]; }
            result[index] = truncated(uniforms.a * f32(levels[index]) + uniforms.b * ice);
          }
        }`,
    }),
};
