import { addNoise, type Field, type Uniform, uniformsOf } from './crystals';
import type { FrostImage } from './frost-images';

/** How one frost image is made: crystals, then what makes their statistics those of the original. */
export interface FrostStyle {
  readonly height: number;
  readonly width: number;
  /** Which way round the image is shown, so that it is brighter on the side where the original is. */
  readonly upsideDown: boolean;
  readonly mirrored: boolean;
  /** Lays the crystals. */
  draw(field: Field, uniform: Uniform): void;
  /** Gains of the à trous bands, the finest (around 3/8 cycles a pixel) first, each an octave below the one before. */
  readonly bands: readonly number[];
  /** Gain of fine grain, as of film. */
  readonly grain: number;
  /** How far the finest band is smoothed, 0 to 1. */
  readonly softness: number;
  /** Brightness and logarithm of contrast over the image: factors of x, y, xy, x² − 1/3, y² − 1/3, x and y in −1..1. */
  readonly brightness: Polynomial;
  readonly contrast: Polynomial;
  /** How much the logarithm of contrast varies from patch to patch of 60 pixels. */
  readonly patchiness: number;
  /** Skewness and tails of the tones: ε and δ of a sinh-arcsinh transformation (Jones & Pewsey 2009). */
  readonly skew: number;
  readonly tails: number;
  /** Per channel R, G, B: its level where the tone is 0, and levels per unit of tone. */
  readonly offset: Rgb;
  readonly gain: Rgb;
  /** Correlations between the channels: RG, RB, GB. */
  readonly correlation: Rgb;
}

type Rgb = readonly [number, number, number];
type Polynomial = readonly [number, number, number, number, number];

/** Makes the image of a style. `stream` picks its crystals: another one gives another image of the same kind. */
export function synthesizeFrost(style: FrostStyle, stream: number): FrostImage {
  const { height, width } = style;
  const crystals = emptyField(height, width);
  style.draw(crystals, uniformsOf(stream));
  const tone = equalized(crystals, style);
  addGrain(tone, style, stream);
  illuminate(tone, style, stream);
  return { height, width, levels: colours(tone, style) };
}

const emptyField = (height: number, width: number): Field => ({
  height,
  width,
  values: new Float32Array(height * width),
});

/**
 * Σ_j g_j (c_j − c_{j+1}) + g_last c_last over the à trous bands of a field c_0, c_{j+1} being c_j smoothed by the
 * B3 spline with holes of 2^j (Holschneider et al. 1989); the finest band is softened by its four neighbours.
 */
function equalized(field: Field, { bands, softness }: FrostStyle): Field {
  const { height, width } = field;
  const sum = emptyField(height, width);
  let coarse = field;
  bands.forEach((gain, j) => {
    const isLast = j === bands.length - 1;
    const fine = coarse;
    if (!isLast) coarse = smoothed(fine, 2 ** j);
    const band = isLast ? fine.values : difference(fine.values, coarse.values);
    if (j === 0) soften({ height, width, values: band }, softness);
    for (let i = 0; i < band.length; i++) sum.values[i] += gain * band[i];
  });
  return sum;
}

function difference(a: Float32Array, b: Float32Array): Float32Array {
  const out = new Float32Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = a[i] - b[i];
  return out;
}

/** One smoothing by (1, 4, 6, 4, 1)/16 with a hole, along both axes of the torus. */
function smoothed({ height, width, values }: Field, hole: number): Field {
  const across = new Float32Array(values.length);
  const padded = new Float32Array(width + 4 * hole);
  for (let y = 0; y < height; y++) {
    const row = values.subarray(y * width, (y + 1) * width);
    padded.set(row, 2 * hole);
    padded.set(row.subarray(width - 2 * hole), 0);
    padded.set(row.subarray(0, 2 * hole), width + 2 * hole);
    for (let x = 0, at = y * width; x < width; x++, at++)
      across[at] =
        (padded[x] + padded[x + 4 * hole] + 4 * (padded[x + hole] + padded[x + 3 * hole]) + 6 * padded[x + 2 * hole]) /
        16;
  }
  const out = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    const line = (shift: number) => (((y + shift * hole) % height) + height) % height;
    const [a, b, c, d, e] = [-2, -1, 0, 1, 2].map((shift) => line(shift) * width) as [
      number,
      number,
      number,
      number,
      number,
    ];
    for (let x = 0, at = y * width; x < width; x++, at++)
      out[at] = (across[a + x] + across[e + x] + 4 * (across[b + x] + across[d + x]) + 6 * across[c + x]) / 16;
  }
  return { height, width, values: out };
}

/** b + softness · (mean of the four neighbours − b), on the torus. */
function soften({ height, width, values }: Field, softness: number): void {
  const source = values.slice();
  for (let y = 0; y < height; y++) {
    const above = ((y + height - 1) % height) * width;
    const below = ((y + 1) % height) * width;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const left = y * width + ((x + width - 1) % width);
      const right = y * width + ((x + 1) % width);
      const neighbours = (source[above + x] + source[below + x] + source[left] + source[right]) / 4;
      values[at] = source[at] + softness * (neighbours - source[at]);
    }
  }
}

const GRAIN_STREAMS = 10;
const PATCH_STREAMS = 20;

function addGrain(field: Field, { grain }: FrostStyle, stream: number): void {
  addNoise(field, 2, 2, 0.25 * grain, uniformsOf(GRAIN_STREAMS + stream));
}

/** Tone u = (sinh(δ asinh v + ε) − sinh ε) / (δ cosh ε) of v = brightness + contrast · field. */
function illuminate(
  { height, width, values }: Field,
  { brightness, contrast, patchiness, skew, tails }: FrostStyle,
  stream: number,
): void {
  const patches = emptyField(height, width);
  addNoise(patches, 60, 60, patchiness, uniformsOf(PATCH_STREAMS + stream));
  const at = ([a, b, c, d, e]: Polynomial, x: number, y: number) =>
    a * x + b * y + c * x * y + d * (x * x - 1 / 3) + e * (y * y - 1 / 3);
  const slope = tails * Math.cosh(skew);
  const zero = Math.sinh(skew);
  for (let row = 0, i = 0; row < height; row++) {
    const y = (2 * row) / (height - 1) - 1;
    for (let column = 0; column < width; column++, i++) {
      const x = (2 * column) / (width - 1) - 1;
      const v = at(brightness, x, y) + Math.exp(at(contrast, x, y) + patches.values[i]) * values[i];
      values[i] = (Math.sinh(tails * Math.asinh(v) + skew) - zero) / slope;
    }
  }
}

/**
 * Three channels with the correlations of the style: mixtures (its Cholesky factor) of the tone and, as independent
 * fields of the same statistics, the tone mirrored and the tone turned by 180°.
 */
function colours({ height, width, values }: Field, style: FrostStyle): Uint8Array {
  const { offset, gain, upsideDown, mirrored } = style;
  const [rg, rb, gb] = style.correlation;
  const redMirrored = Math.sqrt(1 - rg * rg);
  const blueMirrored = (rb - rg * gb) / redMirrored;
  const blueTurned = Math.sqrt(Math.max(0, 1 - gb * gb - blueMirrored * blueMirrored));
  const levels = new Uint8ClampedArray(values.length * 3);
  for (let row = 0, i = 0; row < height; row++) {
    const y = upsideDown ? height - 1 - row : row;
    for (let column = 0; column < width; column++, i += 3) {
      const x = mirrored ? width - 1 - column : column;
      const tone = values[y * width + x];
      const mirror = values[y * width + width - 1 - x];
      const turned = values[(height - 1 - y) * width + width - 1 - x];
      levels[i] = offset[0] + gain[0] * (rg * tone + redMirrored * mirror);
      levels[i + 1] = offset[1] + gain[1] * tone;
      levels[i + 2] = offset[2] + gain[2] * (gb * tone + blueMirrored * mirror + blueTurned * turned);
    }
  }
  return new Uint8Array(levels.buffer);
}
