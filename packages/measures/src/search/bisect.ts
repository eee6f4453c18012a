import { confidenceSequence } from './confidence-sequence';
import type { Draws } from './draws';
import { isUnreachable } from './fast';
import { tracePoint } from './paper';
import type { SearchOutcome, TracePoint } from './result';

export interface BisectOptions {
  readonly target: number;
  readonly start: number;
  readonly relativeTolerance: number;
  /** Examples of one draw; all of them if undefined. */
  readonly examplesPerDraw: number | undefined;
  readonly maxExamples: number;
  readonly strict: boolean;
  readonly size: number;
}

/** A node is decided once its mean is this many standard errors from the target. */
const DECISIVE = 3;
const DOUBLINGS = 16;
/** The chance, over the whole of a strict search, that any node is decided wrongly. */
const ERROR = 0.05;

/**
 * Bisection in ln sigma, bracketed by doubling: a node takes fresh draws until its mean drop is 3 standard errors from
 * the target, 3 to 10 draws on all examples or 4 to 200 on subsets. A node that stays undecided is the root as far as
 * these draws can tell. `strict` decides by a confidence sequence instead, which holds however often it is looked at,
 * and spends half of what is left of the error at every node: then `ci95`, the bracket, is a true interval.
 */
export async function bisectSearch(draws: Draws, trace: TracePoint[], options: BisectOptions): Promise<SearchOutcome> {
  const { target, size, examplesPerDraw = size, relativeTolerance, maxExamples, strict } = options;
  const full = examplesPerDraw >= size;
  const [least, most] = full ? [3, 10] : [4, 200];
  const accuracy = full ? await draws.cleanAccuracy() : 0;
  if (full && isUnreachable(draws, target)) return { value: null, ci95: null, status: 'unreachable' };
  let nodes = 0;

  /** -1 below the root, 1 above it, 0 where the draws can't tell. */
  const side = async (scale: number): Promise<number> => {
    const drops: number[] = [];
    const sequence = confidenceSequence(ERROR / 2 ** ++nodes);
    let sign = 0;
    while (sign === 0 && drops.length < (strict ? 10 * most : most) && draws.state.examplesEvaluated < maxExamples) {
      drops.push(full ? accuracy - (await draws.full(scale)) : await draws.subset(scale, examplesPerDraw));
      if (strict) sign = sequence.side(drops[drops.length - 1]!, target);
      else if (drops.length >= least) {
        const { drop, standardError = 0 } = tracePoint(scale, drops, examplesPerDraw);
        if (Math.abs(drop - target) > DECISIVE * standardError) sign = Math.sign(drop - target);
      }
    }
    trace.push(tracePoint(scale, drops, Math.min(size, examplesPerDraw)));
    return sign;
  };

  let low: number | undefined;
  let high: number | undefined;
  let scale = options.start;
  for (let doublings = 0; ; ) {
    const sign = await side(scale);
    if (isUnreachable(draws, target)) return { value: null, ci95: null, status: 'unreachable' };
    if (sign < 0) low = scale;
    else if (sign > 0) high = scale;
    if (low !== undefined && high !== undefined && Math.log(high / low) / 2 < relativeTolerance)
      return { value: Math.sqrt(low * high), ci95: [low, high], status: 'converged' };
    const spent = draws.state.examplesEvaluated >= maxExamples;
    if (sign === 0 || spent) {
      const ends = [low ?? 0, high ?? Number.POSITIVE_INFINITY] as const;
      return { value: scale, ci95: ends, status: spent ? 'budget' : 'converged' };
    }
    if (low !== undefined && high !== undefined) scale = Math.sqrt(low * high);
    else {
      if (++doublings > DOUBLINGS) return saturation(low, high);
      scale *= low === undefined ? 0.5 : 2;
    }
  }
}

function saturation(low: number | undefined, high: number | undefined): SearchOutcome {
  if (low !== undefined) return { value: null, ci95: [low, Number.POSITIVE_INFINITY], status: 'saturated-high' };
  return { value: null, ci95: [0, high ?? Number.POSITIVE_INFINITY], status: 'saturated-low' };
}
