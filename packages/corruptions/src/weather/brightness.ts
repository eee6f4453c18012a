import { map, TRUNCATED } from '../backends/webgpu-program';
import { type Corruption, deterministic, type NoFields } from '../corruption';
import { number } from '../fields/field-rules';
import { editedHsv, editedHsvInMemory, editedHsvOnDevice } from '../filters/hsv';
import { truncated } from '../images/image';

/** V := clip(V + c) in hue, saturation, value. An image of one channel is its own V. */
export const brightness: Corruption<number, NoFields> = {
  ...deterministic,
  parameterRules: { c: number(-1, 1) },
  apply({ levels, channels }, c) {
    if (channels === 1) return Uint8Array.from(levels, (level) => truncated((level / 255 + c) * 255));
    return editedHsv(levels, { factor: 1, offset: 0, value: c });
  },
  simd: (simd, image, c) => editedHsvInMemory(simd, image, { factor: 1, offset: 0, value: c }),
  onDevice(images, c) {
    if (images.shape[3] === 3)
      return editedHsvOnDevice(
        images,
        'brightness',
        { c },
        { saturation: 's', value: 'clamp(v + uniforms.c, 0.0, 1.0)' },
      );
    return map(images, {
      key: 'brightness_grey',
      inputs: {},
      floats: { c },
      code: `${TRUNCATED}
        fn main(index : i32) {
          if (index < uniforms.size) { result[index] = truncated(f32(levels[index]) + uniforms.c * 255.0); }
        }`,
    });
  },
};
