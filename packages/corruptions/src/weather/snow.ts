import { bySimd, float32, type Simd } from '../backends/simd-module';
import { joinedIntegers, map, TRUNCATED } from '../backends/webgpu-program';
import { cutToFit, motionKernel, throughQuantum } from '../blur/motion-kernel';
import type { Corruption, Dialect, Variant } from '../corruption';
import { number, real, reals } from '../fields/field-rules';
import { edge } from '../filters/border';
import { zoomAxis, zoomed } from '../filters/clipped-zoom';
import { correlated, correlatedInMemory } from '../filters/correlate';
import { type Image, type ImageShape, truncated, UNITS } from '../images/image';
import type { ParametersOf } from '../options/severities';

export interface SnowField {
  /** Standard normals, H×W. */
  readonly normal: ArrayLike<number>;
  /** The direction in which the flakes fall, in degrees from the x axis down. */
  readonly angle: number;
}

type SnowParameters = ParametersOf['snow'];

/** The flakes m as 8-bit levels, H×W: noise, magnified, cut off below the threshold, and blurred along the fall. */
function flakes(
  { height, width }: ImageShape,
  [mean, deviation, zoom, threshold, radius, sigma]: SnowParameters,
  { normal, angle }: SnowField,
  dialect: Dialect,
): Uint8Array {
  const trim = dialect === 'robustness' ? 'centre' : 'none';
  const rows = zoomAxis(height, zoom, trim);
  const columns = zoomAxis(width, zoom, trim);
  const kernel = motionKernel(radius, sigma, angle);
  const noise = new Float64Array(height * width);
  for (let i = 0; i < noise.length; i++) noise[i] = mean + deviation * normal[i];
  const layer = zoomed(noise, width, 1, rows, columns);
  for (let i = 0; i < layer.length; i++) if (layer[i] < threshold) layer[i] = 0;
  const [h, w] = [rows.low.length, columns.low.length];
  if (dialect === 'robustness') {
    const levels = new Uint8Array(layer.length);
    for (let i = 0; i < levels.length; i++) levels[i] = truncated(layer[i] * 255);
    return Uint8Array.from(correlated(levels, h, w, 1, kernel), throughQuantum);
  }
  for (let i = 0; i < layer.length; i++) layer[i] = Math.min(Math.max(layer[i], 0), 1);
  const blurred = correlated(layer, h, w, 1, cutToFit(kernel, h, w));
  return Uint8Array.from({ length: height * width }, (_, i) =>
    Math.round(Math.min(blurred[Math.floor(i / width) * w + (i % width)] * 255, 255)),
  );
}

/** `flakes` in the memory of the SIMD module; those of imagecorruptions are made outside. */
function flakesInMemory(
  simd: Simd,
  shape: ImageShape,
  parameters: SnowParameters,
  fields: SnowField,
  dialect: Dialect,
): number {
  if (dialect === 'imagecorruptions') return simd.copy(flakes(shape, parameters, fields, dialect));
  const { height, width } = shape;
  const [mean, deviation, zoom, threshold, radius, sigma] = parameters;
  const rows = zoomAxis(height, zoom, 'centre');
  const columns = zoomAxis(width, zoom, 'centre');
  const at = simd.allocate(height * width);
  simd.kernels.flakeLayer(
    simd.copy(float32(fields.normal)),
    at,
    width,
    mean,
    deviation,
    threshold,
    simd.copy(rows.low),
    simd.copy(rows.high),
    simd.copy(rows.weight),
    height,
    simd.copy(columns.low),
    simd.copy(columns.high),
    simd.copy(columns.weight),
    width,
    simd.allocate(8 * width),
    simd.allocate(8 * width),
  );
  const layer = { at, height, width, channels: 1 };
  return correlatedInMemory(simd, layer, motionKernel(radius, sigma, fields.angle), edge, 'quantum');
}

/** `flakes`, by SIMD where that can be had. */
function flakesOnHost(
  shape: ImageShape,
  parameters: SnowParameters,
  fields: SnowField,
  { caller, dialect }: Variant,
): Uint8Array {
  const n = shape.height * shape.width;
  const fast = bySimd(caller, (simd) => simd.bytes(flakesInMemory(simd, shape, parameters, fields, dialect), n));
  return fast ?? flakes(shape, parameters, fields, dialect);
}

/**
 * out = clip(k v + (1 − k) max(v, 1.5 luma + 0.5) + m + m turned by 180°), m the `flakes` at an angle uniform in
 * [−135°, −45°). luma = 0.299 R + 0.587 G + 0.114 B, or the one channel.
 */
export const snow: Corruption<SnowParameters, SnowField> = {
  parameterRules: {
    mean: number(-100, 100),
    deviation: number(0, 100),
    zoom: number(1, 100),
    threshold: number(-100, 100),
    radius: number(0, 1000),
    sigma: number(0.001, 1000),
    keep: number(0, 1),
  },
  draw: ({ height, width }, _parameters, stream) => ({
    normal: stream.normals(height * width),
    angle: stream.uniform(-135, -45),
  }),
  fieldRules: ({ height, width }) => ({ normal: reals(height * width), angle: real }),
  apply: (image, parameters, fields, { dialect }) =>
    snowed(image, parameters[6], flakes(image, parameters, fields, dialect)),
  simd(simd, image, parameters, fields, { dialect }) {
    const { at, height, width, channels } = image;
    const layer = flakesInMemory(simd, image, parameters, fields, dialect);
    simd.kernels.snowed(at, height * width, channels, layer, parameters[6], 1 - parameters[6]);
    return at;
  },
  onDevice(images, parameters, fields, variant) {
    const [, height, width, channels] = images.shape;
    const shape = { height, width, channels };
    return map(images, {
      key: 'snow',
      // The flakes are drawn on the host: they don't depend on the images.
      inputs: { flakes: joinedIntegers(fields.map((own) => flakesOnHost(shape, parameters, own, variant))) },
      floats: { keep: parameters[6] },
      code: `${TRUNCATED}
        fn main(index : i32) {
          if (index < uniforms.size) {
            let pixel = index / uniforms.channels;
            let area = uniforms.height * uniforms.width;
            let opposite = (pixel / area) * area + area - 1 - pixel % area;
            let first = pixel * uniforms.channels;
            var luma = f32(levels[first]);
            if (uniforms.channels == 3) {
              luma = 0.299 * luma + 0.587 * f32(levels[first + 1]) + 0.114 * f32(levels[first + 2]);
            }
            let x = f32(levels[index]);
            let whitened = uniforms.keep * x + (1.0 - uniforms.keep) * max(x, luma * 1.5 + 127.5);
            result[index] = truncated(whitened + f32(flakes[pixel] + flakes[opposite]));
          }
        }`,
    });
  },
};

/** The image whitened, in float32 as published, and under a layer of flakes. */
function snowed({ levels, channels }: Image, keep: number, layer: Uint8Array): Uint8Array {
  const { fround } = Math;
  const out = new Uint8Array(levels.length);
  const [kept, rest] = [fround(keep), fround(1 - keep)];
  const v = Float32Array.from(UNITS);
  const weights = LUMA.map(fround) as [number, number, number];
  for (let pixel = 0; pixel < layer.length; pixel++) {
    const at = pixel * channels;
    const part = (c: 0 | 1 | 2) => fround(weights[c] * v[levels[at + c]]);
    const luma = channels === 1 ? v[levels[at]] : fround(fround(part(0) + part(1)) + part(2));
    const whitened = fround(fround(luma * 1.5) + 0.5);
    const [flake, opposite] = [UNITS[layer[pixel]], UNITS[layer[layer.length - 1 - pixel]]];
    for (let c = 0; c < channels; c++) {
      const x = v[levels[at + c]];
      const white = fround(fround(kept * x) + fround(rest * Math.max(x, whitened)));
      out[at + c] = truncated((white + flake + opposite) * 255);
    }
  }
  return out;
}

const LUMA = [0.299, 0.587, 0.114];
