import { bySimd, type Simd } from '../backends/simd-module';
import { joinedIntegers, map, PLACE } from '../backends/webgpu-program';
import type { Corruption } from '../corruption';
import { number, wholeNumber, wholeNumbers } from '../fields/field-rules';
import type { ImageShape } from '../images/image';
import { blurredInMemory, blurredLevels, blurredOnDevice } from './gaussian-blur';

export interface GlassField {
  /** (dx, dy) of every visit, in visiting order: iteration, then rows from H−d down to d+1, then columns likewise. */
  readonly offsets: ArrayLike<number>;
}

type GlassParameters = readonly [sigma: number, maxOffset: number, iterations: number];

const visits = ({ height, width }: ImageShape, [, d, iterations]: GlassParameters) =>
  iterations * Math.max(height - 2 * d, 0) * Math.max(width - 2 * d, 0);

/**
 * out = clip(G_σ shuffle(G_σ v)), both blurs truncated to 8 bits. The shuffle visits every pixel from the last to the
 * first, and each visited pixel takes over the colour that the pixel at (y + dy, x + dx) has by then, dx and dy uniform
 * integers in −d..d−1. It is a copy, not a swap: the published code means to swap, but its two sides are views.
 */
export const glassBlur: Corruption<GlassParameters, GlassField> = {
  parameterRules: { sigma: number(0, 256), maxOffset: wholeNumber(1, 127), iterations: wholeNumber(1, 100) },
  draw(shape, parameters, stream, { caller }) {
    const [, d] = parameters;
    const bits = stream.bits(visits(shape, parameters));
    const drawn = bySimd(caller, (simd) => offsetsInMemory(simd, bits, d));
    if (drawn) return { offsets: drawn };
    const offsets = new Int8Array(2 * bits.length);
    for (let i = 0; i < bits.length; i++) {
      const word = bits[i];
      offsets[2 * i] = (((word & 0xffff) * 2 * d) >>> 16) - d;
      offsets[2 * i + 1] = (((word >>> 16) * 2 * d) >>> 16) - d;
    }
    return { offsets };
  },
  fieldRules: (shape, parameters) => ({
    offsets: wholeNumbers(-parameters[1], parameters[1] - 1)(2 * visits(shape, parameters)),
  }),
  apply(image, parameters, fields) {
    const levels = blurredLevels(image, parameters[0]);
    shuffle(levels, image, parameters, fields);
    return blurredLevels({ ...image, levels }, parameters[0]);
  },
  simd(simd, image, [sigma, d, iterations], { offsets }) {
    const { height, width, channels } = image;
    const at = blurredInMemory(simd, image, sigma);
    if (at === undefined) return undefined;
    const moves = simd.copy(offsets instanceof Int8Array ? offsets : Int8Array.from(offsets));
    simd.kernels.shuffle(at, moves, height, width, channels, d, iterations);
    return blurredInMemory(simd, { ...image, at }, sigma);
  },
  onDevice(images, parameters, fields) {
    const [, height, width] = images.shape;
    const sources = fields.map((own) => {
      const pixels = Int32Array.from({ length: height * width }, (_, i) => i);
      shuffle(pixels, { height, width, channels: 1 }, parameters, own);
      return pixels;
    });
    const shuffled = map(blurredOnDevice(images, parameters[0]), {
      key: 'gather',
      inputs: { sources: joinedIntegers(sources) },
      code: `${PLACE}
        fn main(index : i32) {
          if (index < uniforms.size) {
            let p = place(index);
            let source = sources[index / uniforms.channels];
            result[index] = levels[at(p.image, 0, source, p.channel)];
          }
        }`,
    });
    return blurredOnDevice(shuffled, parameters[0]);
  },
};

/** Visits every pixel and copies what the field points to, in place. */
function shuffle(
  values: Uint8Array | Int32Array,
  { height, width, channels }: ImageShape,
  [, d, iterations]: GlassParameters,
  { offsets }: GlassField,
): void {
  let visit = 0;
  for (let iteration = 0; iteration < iterations; iteration++)
    for (let y = height - d; y > d; y--)
      for (let x = width - d; x > d; x--) {
        const to = (y * width + x) * channels;
        const from = to + (offsets[visit + 1] * width + offsets[visit]) * channels;
        visit += 2;
        for (let c = 0; c < channels; c++) values[to + c] = values[from + c];
      }
}

function offsetsInMemory(simd: Simd, bits: Int32Array, d: number): Int8Array {
  const out = simd.allocate(2 * bits.length);
  simd.kernels.glassOffsets(simd.copy(bits), out, bits.length, d);
  return new Int8Array(simd.bytes(out, 2 * bits.length).buffer);
}
