import { requireBooleans, requireKnownOptions, shown } from '@qgen/core';

/** The integer grid of a quantizer. */
export interface GridOptions {
  /** Width of a code in bits, an integer from 2 to 16. */
  readonly bits: number;
  /** Codes of both signs (weights, the default) or none below zero (after a ReLU). */
  readonly signed?: boolean;
  /** Gives up the lowest signed code, so that the grid is symmetric: ternary at 2 bits. Default false. */
  readonly narrow?: boolean;
}

/** The options of one quantizer: `quantizationRange`, `fakeQuant`, `integerCodes`, `initialStep` read what they need. */
export const QUANTIZER_OPTIONS = [
  ...['bits', 'signed', 'narrow', 'axis', 'init'],
  ...['boundary', 'gradientScale', 'stepLearningRateMultiplier'],
] as const;

/** The widths that a grid may have. One bit has no LSQ: Q_P is 0 and the initial step 2 mean|w| / sqrt(Q_P) infinite. */
export const BITS = { lowest: 2, highest: 16 } as const;

/**
 * The lowest and the highest integer code, `qn <= 0 <= qp` (Esser et al. 2020, section 2; `qn` is minus their Q_N).
 *
 *     signed          qn = -2^(b-1)      qp = 2^(b-1) - 1
 *     signed, narrow  qn = -2^(b-1) + 1  qp = 2^(b-1) - 1
 *     unsigned        qn = 0             qp = 2^b - 1
 *
 * The options of `fakeQuant` and `initialStep` may stand among them, so that one object serves a quantizer.
 *
 * @throws RangeError if `bits` is not an integer from 2 to 16, `narrow` is asked of an unsigned grid, or an option is unknown
 * @throws TypeError if `options` is no object, or `signed` or `narrow` no boolean
 */
export function quantizationRange(options: GridOptions): { qn: number; qp: number } {
  checkOptions('quantizationRange', options, QUANTIZER_OPTIONS);
  checkGrid('quantizationRange', options);
  return codeRange(options);
}

/** The codes of a grid that is known to be one. */
export function codeRange({ bits, signed = true, narrow = false }: GridOptions): { qn: number; qp: number } {
  if (!signed) return { qn: 0, qp: 2 ** bits - 1 };
  const qp = 2 ** (bits - 1) - 1;
  return { qn: narrow ? -qp : -qp - 1, qp };
}

/** Throws an error that begins with `name` unless `options` is an object with nothing but `known` names. */
export function checkOptions(name: string, options: unknown, known: readonly string[]): void {
  if (options === undefined)
    throw new TypeError(`${name}: options must be an object with bits, as { bits: 4 }, got undefined`);
  requireKnownOptions(name, options, known);
}

/** Throws an error that begins with `name` unless the options describe a grid. */
export function checkGrid(name: string, { bits, signed = true, narrow = false }: GridOptions): void {
  if (!Number.isInteger(bits) || bits < BITS.lowest || bits > BITS.highest)
    throw new RangeError(
      `${name}: bits must be an integer from ${BITS.lowest} to ${BITS.highest}, got ${shown(bits)}${
        bits === 1 ? '; a 1-bit grid has no learned step size, use 2 bits with narrow: true for ternary weights' : ''
      }`,
    );
  requireBooleans(name, { signed, narrow });
  if (narrow && !signed) throw new RangeError(`${name}: narrow needs a signed grid, got signed: false; leave one out`);
}
