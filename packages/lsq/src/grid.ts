/** The integer grid of a quantizer. */
export interface GridOptions {
  /** Width of a code in bits, an integer from 2 to 16. */
  readonly bits: number;
  /** Codes of both signs (weights, the default) or none below zero (after a ReLU). */
  readonly signed?: boolean;
  /** Gives up the lowest signed code, so that the grid is symmetric: ternary at 2 bits. */
  readonly narrow?: boolean;
}

/** The widths that a grid may have. One bit has no LSQ: Q_P is 0 and the initial step 2 mean|w| / sqrt(Q_P) infinite. */
export const BITS = { lowest: 2, highest: 16 } as const;

/**
 * The lowest and the highest integer code, `qn <= 0 <= qp` (Esser et al. 2020, section 2; `qn` is minus the paper's Q_N).
 *
 *     signed          qn = -2^(b-1)      qp = 2^(b-1) - 1
 *     signed, narrow  qn = -2^(b-1) + 1  qp = 2^(b-1) - 1
 *     unsigned        qn = 0             qp = 2^b - 1
 *
 * @throws RangeError if `bits` is not an integer from 2 to 16, or `narrow` is asked of an unsigned grid
 */
export function quantizationRange({ bits, signed = true, narrow = false }: GridOptions): { qn: number; qp: number } {
  checkGrid('quantizationRange', { bits, signed, narrow });
  if (!signed) return { qn: 0, qp: 2 ** bits - 1 };
  const qp = 2 ** (bits - 1) - 1;
  return { qn: narrow ? -qp : -qp - 1, qp };
}

/** Throws a RangeError that begins with `name` unless the options describe a grid. */
export function checkGrid(name: string, { bits, signed = true, narrow = false }: GridOptions): void {
  if (!Number.isInteger(bits) || bits < BITS.lowest || bits > BITS.highest)
    throw new RangeError(
      `${name}: bits must be an integer from ${BITS.lowest} to ${BITS.highest}, got ${bits}${
        bits === 1 ? '; a 1-bit grid has no learned step size, use 2 bits with narrow: true for ternary weights' : ''
      }`,
    );
  if (narrow && !signed) throw new RangeError(`${name}: narrow needs a signed grid, got signed: false; leave one out`);
}
