import { bySimd, type Simd } from '../backends/simd-module';
import { joinedIntegers, map } from '../backends/webgpu-program';
import type { Corruption } from '../corruption';
import { number, wholeNumbers } from '../fields/field-rules';
import { sizeOf } from '../images/image';

export interface ImpulseField {
  /** H×W×C: 0 keeps the value, 1 makes it white (salt), 2 black (pepper). */
  readonly mask: ArrayLike<number>;
}

/** Each value by itself turns, with probability p, white or black with equal chances; all others stay as they are. */
export const impulseNoise: Corruption<number, ImpulseField> = {
  parameterRules: { p: number(0, 1) },
  draw(shape, p, stream, { caller }) {
    const uniform = stream.uniforms(sizeOf(shape));
    const drawn = bySimd(caller, (simd) => maskInMemory(simd, uniform, p));
    if (drawn) return { mask: drawn };
    const mask = new Uint8Array(uniform.length);
    const rate = Math.fround(p);
    for (let i = 0; i < mask.length; i++) if (uniform[i] < rate) mask[i] = uniform[i] < rate / 2 ? 1 : 2;
    return { mask };
  },
  fieldRules: (shape) => ({ mask: wholeNumbers(0, 2)(sizeOf(shape)) }),
  apply({ levels }, _p, { mask }) {
    const out = new Uint8Array(levels.length);
    for (let i = 0; i < out.length; i++) out[i] = mask[i] === 0 ? levels[i] : mask[i] === 1 ? 255 : 0;
    return out;
  },
  simd(simd, image, _p, { mask }) {
    simd.kernels.flip(image.at, simd.copy(mask instanceof Uint8Array ? mask : Uint8Array.from(mask)), sizeOf(image));
    return image.at;
  },
  onDevice: (images, _p, fields) =>
    map(images, {
      key: 'impulse',
      inputs: { mask: joinedIntegers(fields.map(({ mask }) => mask)) },
      code: `
        fn main(index : i32) {
          if (index < uniforms.size) {
            let flip = mask[index];
            result[index] = select(select(0, 255, flip == 1), levels[index], flip == 0);
          }
        }`,
    }),
};

function maskInMemory(simd: Simd, uniform: Float32Array, p: number): Uint8Array {
  const mask = simd.allocate(uniform.length);
  simd.kernels.impulseMask(simd.copy(uniform), mask, uniform.length, p);
  return simd.bytes(mask, uniform.length);
}
