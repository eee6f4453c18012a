import { requireOneOf, requirePositive } from '@qgen/core';
import { type BoundInput, consistentMagnitudeTerm, pacBayesMagnitudeTerm, pacBayesTerm } from './pac-bayes';
import {
  consistentSharpnessMagnitudeTerm,
  consistentSharpnessTerm,
  sharpnessMagnitudeTerm,
  sharpnessTerm,
} from './sharpness';

/**
 * The eight measures of QGen's table, and the flatness 1 / scale^2 of each search. Smaller is flatter in all twelve: a
 * large `*.flatness` is a sharp minimum.
 */
export const MEASURE_IDS = [
  'pacBayes.init',
  'pacBayes.orig',
  'pacBayes.flatness',
  'pacBayes.mag.init',
  'pacBayes.mag.orig',
  'pacBayes.mag.flatness',
  'sharpness.init',
  'sharpness.orig',
  'sharpness.flatness',
  'sharpness.mag.init',
  'sharpness.mag.orig',
  'sharpness.mag.flatness',
] as const;

export type MeasureId = (typeof MEASURE_IDS)[number];

/**
 * Which reading of the formulas.
 * `seed`: QGen, with its misprints settled.
 * `dziugaite2020`: the official code of Dziugaite et al. 2020, which scores with ln(m / scale) in place of ln(m / delta)
 * (and injects noise of standard deviation s^2; see `findSigma`'s `noise`).
 * `consistent`: the divergence of the noise that is really injected.
 */
export type Dialect = 'seed' | 'dziugaite2020' | 'consistent';

/** The scales that the searches find. A scale that is null or missing leaves its measures null. */
export interface Scales {
  readonly sigma?: number | null;
  readonly sigmaMagnitude?: number | null;
  readonly alpha?: number | null;
  readonly alphaMagnitude?: number | null;
}

/** One measure: `mu`, and `normalized` = sqrt(mu / m) as QGen's table prints it. Smaller is flatter; none is a bound. */
export interface Measure {
  readonly mu: number | null;
  readonly normalized: number | null;
  /** Why a number is missing. */
  readonly warning?: string;
}

export interface FormulaOptions {
  readonly dialect?: Dialect;
  /** The probability with which the bound that the formula comes from may fail. The formula itself bounds nothing. */
  readonly delta?: number;
  /** The floor of magnitude-aware noise. */
  readonly epsilon?: number;
}

/**
 * The eight measures of Table 3 of QGen and their flatness values, from the scales that the searches found: pure
 * numbers, sums in float64. With d = w - w0, omega the length of w, v = d (`init`) or w (`orig`):
 *
 *     mu = term(v, scale) + ln(m / delta) + 10        terms in pac-bayes.ts and sharpness.ts
 *     flatness = 1 / scale^2                          larger is sharper
 *
 * Of a magnitude-aware form mu can be negative where omega is tiny; `normalized` is then null, with a warning.
 *
 * @param w the weights in scope, flattened, batch normalization folded; quantized models: their dequantized values
 * @param w0 the same at initialization
 * @param m number of training examples
 * @throws RangeError if w is empty, w0 differs in length, an entry is not finite, or m, delta, epsilon or a scale is not
 * positive
 */
export function measuresFromScales(
  w: ArrayLike<number>,
  w0: ArrayLike<number>,
  m: number,
  scales: Scales,
  { dialect = 'seed', delta = 0.05, epsilon = 1e-3 }: FormulaOptions = {},
): Record<MeasureId, Measure> {
  requireOneOf('measuresFromScales', 'dialect', dialect, ['seed', 'dziugaite2020', 'consistent']);
  check(w, w0, { m, delta, epsilon });
  checkScales(scales);
  const d = Float64Array.from({ length: w.length }, (_, i) => w[i]! - w0[i]!);
  const init: BoundInput = { w, d, reference: d, epsilon };
  const orig: BoundInput = { w, d, reference: w, epsilon };
  const consistent = dialect === 'consistent';
  const bound = (term: (scale: number) => number) => (scale: number) =>
    term(scale) + Math.log(m / (dialect === 'dziugaite2020' ? scale : delta)) + 10;
  const forms = (input: BoundInput) => ({
    pacBayes: bound((sigma) => pacBayesTerm(input.reference, sigma)),
    pacBayesMagnitude: bound((sigma) => (consistent ? consistentMagnitudeTerm : pacBayesMagnitudeTerm)(input, sigma)),
    sharpness: bound((alpha) => (consistent ? consistentSharpnessTerm : sharpnessTerm)(input, alpha, delta)),
    sharpnessMagnitude: bound((alpha) =>
      (consistent ? consistentSharpnessMagnitudeTerm : sharpnessMagnitudeTerm)(input, alpha, delta),
    ),
  });
  const [fromInit, fromOrigin] = [forms(init), forms(orig)];
  const flatness = (scale: number) => 1 / (scale * scale);
  const measure = (scale: number | null | undefined, value: (scale: number) => number) => toMeasure(scale, value, m);
  return {
    'pacBayes.init': measure(scales.sigma, fromInit.pacBayes),
    'pacBayes.orig': measure(scales.sigma, fromOrigin.pacBayes),
    'pacBayes.flatness': measure(scales.sigma, flatness),
    'pacBayes.mag.init': measure(scales.sigmaMagnitude, fromInit.pacBayesMagnitude),
    'pacBayes.mag.orig': measure(scales.sigmaMagnitude, fromOrigin.pacBayesMagnitude),
    'pacBayes.mag.flatness': measure(scales.sigmaMagnitude, flatness),
    'sharpness.init': measure(scales.alpha, fromInit.sharpness),
    'sharpness.orig': measure(scales.alpha, fromOrigin.sharpness),
    'sharpness.flatness': measure(scales.alpha, flatness),
    'sharpness.mag.init': measure(scales.alphaMagnitude, fromInit.sharpnessMagnitude),
    'sharpness.mag.orig': measure(scales.alphaMagnitude, fromOrigin.sharpnessMagnitude),
    'sharpness.mag.flatness': measure(scales.alphaMagnitude, flatness),
  };
}

function toMeasure(scale: number | null | undefined, value: (scale: number) => number, m: number): Measure {
  if (scale === null || scale === undefined) return { mu: null, normalized: null, warning: 'no scale was found' };
  const mu = value(scale);
  if (mu >= 0) return { mu, normalized: Math.sqrt(mu / m) };
  return { mu, normalized: null, warning: `mu is negative (${mu.toPrecision(4)}), so sqrt(mu / m) does not exist` };
}

function check(
  w: ArrayLike<number>,
  w0: ArrayLike<number>,
  positive: { readonly m: number; readonly delta: number; readonly epsilon: number },
): void {
  const name = 'measuresFromScales';
  if (w.length === 0) throw new RangeError(`${name}: w is empty, so there is nothing to measure`);
  if (w.length !== w0.length)
    throw new RangeError(`${name}: w and w0 must have the same length, got ${w.length} and ${w0.length}`);
  for (let i = 0; i < w.length; i++)
    if (!Number.isFinite(w[i]) || !Number.isFinite(w0[i]))
      throw new RangeError(`${name}: w and w0 must be finite, entry ${i} is ${w[i]} and ${w0[i]}`);
  requirePositive(name, positive);
}

function checkScales(scales: Scales): void {
  for (const [field, value] of Object.entries(scales))
    if (value !== null && value !== undefined && !(value > 0 && Number.isFinite(value)))
      throw new RangeError(
        `measuresFromScales: ${field} must be positive, or null where no scale was found, got ${value}`,
      );
}
