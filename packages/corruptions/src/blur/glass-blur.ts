import type { Corruption, Image, ImageShape } from '../corruption';
import { joinedIntegers, map, PLACE } from '../webgpu-program';
import { blurredLevels, blurredLevelsBySimd, blurredOnDevice } from './gaussian-blur';

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
  draw(shape, parameters, stream) {
    const span = 2 * parameters[1];
    const bits = stream.bits(visits(shape, parameters));
    const offsets = new Int8Array(2 * bits.length);
    for (let i = 0; i < bits.length; i++) {
      const word = bits[i]!;
      offsets[2 * i] = (((word & 0xffff) * span) >>> 16) - parameters[1];
      offsets[2 * i + 1] = (((word >>> 16) * span) >>> 16) - parameters[1];
    }
    return { offsets };
  },
  fieldSizes: (shape, parameters) => ({ offsets: 2 * visits(shape, parameters) }),
  apply: (image, parameters, fields) => shuffledBetween(blurredLevels, image, parameters, fields),
  simd: (simd, image, parameters, fields) =>
    shuffledBetween((blurred, sigma) => blurredLevelsBySimd(simd, blurred, sigma), image, parameters, fields),
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

function shuffledBetween(
  blur: typeof blurredLevels,
  image: Image,
  parameters: GlassParameters,
  fields: GlassField,
): Uint8Array {
  const levels = blur(image, parameters[0]);
  shuffle(levels, image, parameters, fields);
  return blur({ ...image, levels }, parameters[0]);
}

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
        const from = to + (offsets[visit + 1]! * width + offsets[visit]!) * channels;
        visit += 2;
        for (let c = 0; c < channels; c++) values[to + c] = values[from + c]!;
      }
}
