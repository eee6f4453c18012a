import type { Tensor4D } from '@tensorflow/tfjs-core';
import { bySimd, float32, type Simd } from '../backends/simd-module';
import { joined, joinedIntegers, map, PLACE, TIE, TRUNCATED } from '../backends/webgpu-program';
import type { Corruption, Variant } from '../corruption';
import { number, symmetricNumbers } from '../fields/field-rules';
import { type Affine, affineThrough, inverted, type Warp, warpCoordinates, warped, warpSteps } from '../filters/affine';
import { BORDERS, symmetric } from '../filters/border';
import { gaussianFilter, type Smoothing, smoothedInMemory } from '../filters/gaussian-filter';
import { type ImageShape, truncated } from '../images/image';
import type { ParametersOf, Severity } from '../options/severities';

export interface ElasticField {
  /** 3×2 uniforms in [−1, 1): how far each anchor (x, y) moves, in units of the parameter e. Not for imagecorruptions. */
  readonly anchors: ArrayLike<number>;
  /** H×W uniforms in [−1, 1), smoothed and scaled to the displacement of every pixel along x and y. */
  readonly dx: ArrayLike<number>;
  readonly dy: ArrayLike<number>;
}

type ElasticParameters = ParametersOf['elastic_transform'];

/** The displacement α G_σ u of every pixel, in pixels, borders mirrored with the edge repeated. */
function displacement(uniform: ArrayLike<number>, { height, width }: ImageShape, by: Smoothing): Float32Array {
  const grid = { height, width, channels: 1, values: Float64Array.from(uniform) };
  return Float32Array.from(gaussianFilter(grid, by.sigmas, by.truncate, by.border), (u) => u * by.scale);
}

/** `displacement` in the memory of the SIMD module. */
function displacementInMemory(
  simd: Simd,
  uniform: ArrayLike<number>,
  { height, width }: ImageShape,
  by: Smoothing,
): number {
  return smoothedInMemory(simd, { at: simd.copy(float32(uniform)), height, width, channels: 1 }, by, 'float32');
}

/** `displacement`, by SIMD where that can be had. */
function displacementOnHost(
  caller: string,
  uniform: ArrayLike<number>,
  shape: ImageShape,
  by: Smoothing,
): Float32Array {
  const bytes = bySimd(caller, (simd) =>
    simd.bytes(displacementInMemory(simd, uniform, shape, by), 4 * shape.height * shape.width),
  );
  return bytes ? new Float32Array(bytes.buffer) : displacement(uniform, shape, by);
}

/** Published: the kernel is cut at 3 σ. */
const TRUNCATE = 3;

/**
 * The random affine map: the anchors c + q, (c_x + q, c_y − q) and c − q, with c the centre ⌊side / 2⌋ and q a third of
 * the shorter side, each moved by e times the field.
 */
function randomAffine({ height, width }: ImageShape, e: number, anchors: ArrayLike<number>): Affine {
  const [cx, cy] = [Math.floor(width / 2), Math.floor(height / 2)];
  const q = Math.floor(Math.min(height, width) / 3);
  const from = [
    [cx + q, cy + q],
    [cx + q, cy - q],
    [cx - q, cy - q],
  ] as const;
  const to = from.map(
    ([x, y], i) =>
      [Math.fround(x + Math.fround(e * anchors[2 * i])), Math.fround(y + Math.fround(e * anchors[2 * i + 1]))] as const,
  );
  return affineThrough(from, to);
}

/** α by severity in imagecorruptions, in units of 250 pixels. */
const PORT_ALPHA = [0.05, 0.065, 0.085, 0.1, 0.12] as const;

/** How the uniforms become displacements, all in pixels. */
function smoothing(
  { height, width }: ImageShape,
  [alpha, sigma]: ElasticParameters,
  { dialect, severity }: Variant,
): Smoothing {
  const cut = { truncate: TRUNCATE, border: 'symmetric' } as const;
  if (dialect === 'robustness') return { ...cut, sigmas: [sigma, sigma], scale: alpha };
  return {
    ...cut,
    sigmas: [0.01 * height, 0.01 * width],
    scale: 250 * PORT_ALPHA[(severity as Severity) - 1] * 0.005 * height,
  };
}

/**
 * First a random affine map with anchors moved by up to e pixels, borders mirrored; then every pixel displaced by
 * α G_σ u, all channels alike, the edge repeated and mirrored. After Simard et al., "Best practices for convolutional
 * neural networks applied to visual document analysis" (ICDAR 2003). imagecorruptions leaves out the affine map.
 *
 * The parameters are pixels, at any size of image. Below 3 pixels the anchors coincide and the affine map is left out.
 */
export const elasticTransform: Corruption<ElasticParameters, ElasticField> = {
  parameterRules: { alpha: number(0, 10_000), sigma: number(0, 256), anchor: number(0, 10_000) },
  draw: ({ height, width }, _parameters, stream) => ({
    anchors: stream.symmetric(6),
    dx: stream.symmetric(height * width),
    dy: stream.symmetric(height * width),
  }),
  fieldRules: ({ height, width }, _parameters, _fields, { dialect }) => ({
    ...(dialect === 'robustness' && { anchors: symmetricNumbers(6) }),
    dx: symmetricNumbers(height * width),
    dy: symmetricNumbers(height * width),
  }),
  apply(image, parameters, fields, variant) {
    const { height, width, channels } = image;
    let v: Float32Array = Float32Array.from(image.levels, (level) => level / 255);
    if (variant.dialect === 'robustness') {
      const inverse = inverted(randomAffine(image, parameters[2], fields.anchors));
      v = warped(v, height, width, channels, warpCoordinates(inverse, height, width));
    }
    const own = smoothing(image, parameters, variant);
    return displaced(
      { height, width, channels, values: v },
      displacement(fields.dx, image, own),
      displacement(fields.dy, image, own),
    );
  },
  simd(simd, image, parameters, fields, variant) {
    const { at, height, width, channels } = image;
    const own = smoothing(image, parameters, variant);
    const dx = displacementInMemory(simd, fields.dx, image, own);
    const dy = displacementInMemory(simd, fields.dy, image, own);
    const pixels = height * width;
    let v = simd.allocate(16 * pixels);
    const { kernels } = simd;
    kernels.pixelsOfLevels(at, v, pixels, channels);
    if (variant.dialect === 'robustness') {
      const steps = warpSteps(inverted(randomAffine(image, parameters[2], fields.anchors)), height, width);
      const out = simd.allocate(16 * pixels);
      kernels.warped(v, out, height, width, simd.copy(steps.rows), simd.copy(steps.columns));
      v = out;
    }
    kernels.displaced(v, at, height, width, channels, dx, dy);
    return at;
  },
  onDevice(images, parameters, fields, variant) {
    const [, height, width] = images.shape;
    const shape = { height, width, channels: 1 };
    const own = smoothing(shape, parameters, variant);
    // Both maps are made on the host: they don't depend on the images.
    const along = (axis: 'dx' | 'dy') =>
      fields.map((field) => displacementOnHost(variant.caller, field[axis], shape, own));
    if (variant.dialect === 'imagecorruptions') return displacedOnDevice(images, along('dx'), along('dy'));
    const warps = fields.map(({ anchors }) =>
      warpCoordinates(inverted(randomAffine(shape, parameters[2], anchors)), height, width),
    );
    return displacedOnDevice(warpedOnDevice(images, warps), along('dx'), along('dy'));
  },
};

const FOUR = `
  fn four(p : Place, y : i32, x : i32, wy : f32, wx : f32) -> f32 {
    let upper = border(y, uniforms.height);
    let lower = border(y + 1, uniforms.height);
    let left = border(x, uniforms.width);
    let right = border(x + 1, uniforms.width);
    let a = f32(levels[at(p.image, upper, left, p.channel)]);
    let b = f32(levels[at(p.image, lower, left, p.channel)]);
    let above = a + wx * (f32(levels[at(p.image, upper, right, p.channel)]) - a);
    let below = b + wx * (f32(levels[at(p.image, lower, right, p.channel)]) - b);
    return above + wy * (below - above);
  }`;

/** The warped images, as float32 levels that are not rounded. */
function warpedOnDevice(images: Tensor4D, warps: readonly Warp[]): Tensor4D {
  return map(images, {
    key: 'warp',
    inputs: { xs: joinedIntegers(warps.map(({ x }) => x)), ys: joinedIntegers(warps.map(({ y }) => y)) },
    dtype: 'float32',
    code: `${PLACE}${BORDERS.mirror101}${FOUR}
      fn main(index : i32) {
        if (index < uniforms.size) {
          let x = xs[index / uniforms.channels];
          let y = ys[index / uniforms.channels];
          result[index] = four(place(index), y >> 5u, x >> 5u, f32(y & 31) / 32.0, f32(x & 31) / 32.0);
        }
      }`,
  });
}

function displacedOnDevice(images: Tensor4D, dx: readonly Float32Array[], dy: readonly Float32Array[]): Tensor4D {
  return map(images, {
    key: `displace_${images.dtype}`,
    inputs: { dx: joined(dx), dy: joined(dy) },
    floats: { bias: TIE },
    code: `${PLACE}${TRUNCATED}${BORDERS.symmetric}${FOUR}
      fn main(index : i32) {
        if (index < uniforms.size) {
          let p = place(index);
          let shiftX = dx[index / uniforms.channels];
          let shiftY = dy[index / uniforms.channels];
          // Whole pixels apart, so that the fraction keeps its digits.
          let x = p.x + i32(floor(shiftX));
          let y = p.y + i32(floor(shiftY));
          let value = four(p, y, x, shiftY - floor(shiftY), shiftX - floor(shiftX));
          result[index] = truncated(value + uniforms.bias);
        }
      }`,
  });
}

/** Bilinear interpolation at (y + dy, x + dx), as levels. */
function displaced(
  { height, width, channels, values }: ImageShape & { readonly values: Float32Array },
  dx: Float32Array,
  dy: Float32Array,
): Uint8Array {
  const out = new Uint8Array(values.length);
  for (let y = 0, pixel = 0; y < height; y++)
    for (let x = 0; x < width; x++, pixel++) {
      const row = y + dy[pixel];
      const column = x + dx[pixel];
      const top = Math.floor(row);
      const left = Math.floor(column);
      const wy = row - top;
      const wx = column - left;
      const upper = symmetric(top, height) * width;
      const lower = symmetric(top + 1, height) * width;
      const near = symmetric(left, width);
      const far = symmetric(left + 1, width);
      for (let c = 0; c < channels; c++) {
        const value = Math.fround(
          values[(upper + near) * channels + c] * (1 - wy) * (1 - wx) +
            values[(upper + far) * channels + c] * (1 - wy) * wx +
            values[(lower + near) * channels + c] * wy * (1 - wx) +
            values[(lower + far) * channels + c] * wy * wx,
        );
        out[pixel * channels + c] = truncated(Math.fround(value * 255));
      }
    }
  return out;
}
