import { requireKnownOptions, requireOneOf, requirePositive, shown } from '@qgen/core';
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
 * `qgen`: QGen, with its misprints settled.
 * `dziugaite2020`: the official code of Dziugaite et al. 2020, which scores with ln(m / scale) in place of ln(m / delta)
 * (and injects noise of standard deviation s^2; see `findSigma`'s `noise`).
 * `consistent`: the divergence of the noise that is really injected.
 */
export type Dialect = 'qgen' | 'dziugaite2020' | 'consistent';

const DIALECTS = ['qgen', 'dziugaite2020', 'consistent'] as const satisfies readonly Dialect[];

/** Why measures are null that compare with the weights at initialization. */
export const NO_INITIAL = 'the weights at initialization are not known: give initial, from snapshot';

/** The scales that the searches find. A scale that is null or missing leaves its measures null. */
export interface Scales {
  readonly sigma?: number | null;
  readonly sigmaMagnitude?: number | null;
  readonly alpha?: number | null;
  readonly alphaMagnitude?: number | null;
}

const SCALES = ['sigma', 'sigmaMagnitude', 'alpha', 'alphaMagnitude'] as const satisfies readonly (keyof Scales)[];

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
 * @param w0 the same at initialization; null where it is not known, which leaves the measures null that need it: those
 * named `init`, and but for dialect `consistent` `mag.orig` too, whose denominators hold d
 * @param m number of training examples
 * @throws RangeError if w is empty, w0 differs in length, an entry is not finite, delta does not lie between 0 and
 * 1, m, epsilon or a scale is not positive, or an option or scale unknown; TypeError if w or w0 is no array of numbers
 */
export function measuresFromScales(
  w: ArrayLike<number>,
  w0: ArrayLike<number> | null,
  m: number,
  scales: Scales,
  options: FormulaOptions = {},
): Record<MeasureId, Measure> {
  const caller = 'measuresFromScales';
  requireKnownOptions(caller, options, ['dialect', 'delta', 'epsilon']);
  requireFormulaOptions(options, caller);
  const { dialect = 'qgen', delta = 0.05, epsilon = 1e-3 } = options;
  checkWeights(w, w0, caller);
  requirePositive(caller, { m });
  requireScales(scales, caller);
  const d = w0 && Float64Array.from({ length: w.length }, (_, i) => w[i] - w0[i]);
  const init: BoundInput | null = d && { w, d, reference: d, epsilon };
  // Where d is not known only what does not look at it is asked for.
  const orig: BoundInput = { w, d: d ?? [], reference: w, epsilon };
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
  const fromInit = init && forms(init);
  const fromOrigin = forms(orig);
  const flatness = (scale: number) => 1 / (scale * scale);
  const measure = (scale: number | null | undefined, value: ((scale: number) => number) | null | undefined) =>
    value ? toMeasure(scale, value, m) : { mu: null, normalized: null, warning: NO_INITIAL };
  const magnitudeOrigin = d || consistent ? fromOrigin : null;
  return {
    'pacBayes.init': measure(scales.sigma, fromInit?.pacBayes),
    'pacBayes.orig': measure(scales.sigma, fromOrigin.pacBayes),
    'pacBayes.flatness': measure(scales.sigma, flatness),
    'pacBayes.mag.init': measure(scales.sigmaMagnitude, fromInit?.pacBayesMagnitude),
    'pacBayes.mag.orig': measure(scales.sigmaMagnitude, magnitudeOrigin?.pacBayesMagnitude),
    'pacBayes.mag.flatness': measure(scales.sigmaMagnitude, flatness),
    'sharpness.init': measure(scales.alpha, fromInit?.sharpness),
    'sharpness.orig': measure(scales.alpha, fromOrigin.sharpness),
    'sharpness.flatness': measure(scales.alpha, flatness),
    'sharpness.mag.init': measure(scales.alphaMagnitude, fromInit?.sharpnessMagnitude),
    'sharpness.mag.orig': measure(scales.alphaMagnitude, magnitudeOrigin?.sharpnessMagnitude),
    'sharpness.mag.flatness': measure(scales.alphaMagnitude, flatness),
  };
}

function toMeasure(scale: number | null | undefined, value: (scale: number) => number, m: number): Measure {
  if (scale === null || scale === undefined) return { mu: null, normalized: null, warning: 'no scale was found' };
  const mu = value(scale);
  if (mu >= 0) return { mu, normalized: Math.sqrt(mu / m) };
  return { mu, normalized: null, warning: `mu is negative (${mu.toPrecision(4)}), so sqrt(mu / m) does not exist` };
}

/** @throws RangeError unless dialect, delta and epsilon are what the formulas take */
export function requireFormulaOptions({ dialect, delta, epsilon }: FormulaOptions, caller: string): void {
  if (dialect !== undefined) requireOneOf(caller, 'dialect', dialect, DIALECTS);
  if (delta !== undefined && !(delta > 0 && delta < 1))
    throw new RangeError(`${caller}: delta must lie between 0 and 1, got ${shown(delta)}`);
  if (epsilon !== undefined) requirePositive(caller, { epsilon });
}

/** @throws TypeError if scales are no object; RangeError for an unknown one, and one that is not positive, null or missing */
function requireScales(scales: Scales, caller: string): void {
  if (typeof scales !== 'object' || scales === null || Array.isArray(scales))
    throw new TypeError(`${caller}: scales must be an object with any of ${SCALES.join(', ')}, got ${shown(scales)}`);
  requireKnownOptions(caller, scales, SCALES);
  for (const [field, value] of Object.entries(scales))
    if (value !== null && value !== undefined && !(value > 0 && Number.isFinite(value)))
      throw new RangeError(
        `${caller}: ${field} must be positive, or null where no scale was found, got ${shown(value)}`,
      );
}

function checkWeights(w: ArrayLike<number>, w0: ArrayLike<number> | null, caller: string): void {
  for (const [name, values] of Object.entries(w0 === null ? { w } : { w, w0 }))
    if (typeof values !== 'object' || values === null || typeof values.length !== 'number')
      throw new TypeError(`${caller}: ${name} must be an array of numbers, got ${shown(values)}`);
  if (w.length === 0) throw new RangeError(`${caller}: w is empty, so there is nothing to measure`);
  if (w0 && w.length !== w0.length)
    throw new RangeError(`${caller}: w and w0 must have the same length, got ${w.length} and ${w0.length}`);
  for (let i = 0; i < w.length; i++)
    if (!Number.isFinite(w[i]) || !(w0 === null || Number.isFinite(w0[i])))
      throw new RangeError(
        `${caller}: w and w0 must be finite, entry ${i} is ${w[i]}${w0 === null ? '' : ` and ${w0[i]}`}`,
      );
}
