import { bySimd } from '../backends/simd-module';
import { joined, map, TRUNCATED } from '../backends/webgpu-program';
import type { Corruption } from '../corruption';
import { number, reals, wholeNumber } from '../fields/field-rules';
import { type ImageShape, truncated } from '../images/image';
import type { ParametersOf } from '../options/severities';
import { liquidMask, liquidMaskInMemory } from './spatter/mask';

export interface SpatterField {
  /** Standard normals, H×W. */
  readonly normal: ArrayLike<number>;
}

const WATER = [175 / 255, 238 / 255, 238 / 255];
const MUD = [63 / 255, 42 / 255, 20 / 255];

/**
 * With the `liquidMask` m: water adds its pale turquoise, out = clip(v + m water); mud hides what is behind it,
 * out = clip(v (1 − m) + m mud). An image of one channel takes the luma of the colour.
 */
export const spatter: Corruption<ParametersOf['spatter'], SpatterField> = {
  parameterRules: {
    mean: number(-100, 100),
    deviation: number(0, 100),
    sigma: number(0, 256),
    threshold: number(-100, 100),
    strength: number(0, 256),
    mud: wholeNumber(0, 1),
  },
  draw: ({ height, width }, _parameters, stream) => ({ normal: stream.normals(height * width) }),
  fieldRules: ({ height, width }) => ({ normal: reals(height * width) }),
  apply(image, parameters, { normal }) {
    const { levels, channels } = image;
    const mask = liquidMask(image, parameters, normal);
    const mud = parameters[5] === 1;
    const { fround } = Math;
    const colour = colourOf(mud, channels).map(fround);
    const out = new Uint8Array(levels.length);
    for (let i = 0, pixel = 0; i < out.length; i++) {
      const c = i % channels;
      const m = mask[pixel];
      const v = fround(fround(levels[i] / 255) * (mud ? fround(1 - m) : 1));
      out[i] = truncated(fround(fround(v + fround(m * colour[c])) * 255));
      if (c === channels - 1) pixel++;
    }
    return out;
  },
  simd(simd, image, parameters, { normal }) {
    const { at, height, width, channels } = image;
    const mask = liquidMaskInMemory(simd, image, parameters, normal);
    const mud = parameters[5] === 1;
    const [red, green, blue] = colourOf(mud, channels) as [number, number?, number?];
    simd.kernels.spattered(at, height * width, channels, mask, red, green ?? red, blue ?? red, mud);
    return at;
  },
  onDevice(images, parameters, fields, { caller }) {
    const [, height, width, channels] = images.shape;
    const mud = parameters[5] === 1;
    return map(images, {
      key: `spatter_${mud}`,
      inputs: {
        // The masks are made on the host: they don't depend on the images.
        mask: joined(fields.map(({ normal }) => maskOnHost(caller, { height, width, channels }, parameters, normal))),
        colour: Float32Array.from(colourOf(mud, channels)),
      },
      code: `${TRUNCATED}
        fn main(index : i32) {
          if (index < uniforms.size) {
            let m = mask[index / uniforms.channels];
            let v = f32(levels[index]) / 255.0 ${mud ? '* (1.0 - m)' : ''};
            result[index] = truncated((v + m * colour[index % uniforms.channels]) * 255.0);
          }
        }`,
    });
  },
};

/** `liquidMask`, by SIMD where that can be had. */
function maskOnHost(
  caller: string,
  shape: ImageShape,
  parameters: ParametersOf['spatter'],
  normal: ArrayLike<number>,
): Float32Array {
  const bytes = bySimd(caller, (simd) =>
    simd.bytes(liquidMaskInMemory(simd, shape, parameters, normal), 4 * shape.height * shape.width),
  );
  return bytes ? new Float32Array(bytes.buffer) : liquidMask(shape, parameters, normal);
}

/** The colour of the liquid; in an image of one channel, its luma. */
function colourOf(mud: boolean, channels: number): number[] {
  const [red, green, blue] = (mud ? MUD : WATER) as [number, number, number];
  return channels === 3 ? [red, green, blue] : [0.299 * red + 0.587 * green + 0.114 * blue];
}
