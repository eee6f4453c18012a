import type { SearchOutcome } from './result';

export interface PolishOptions {
  readonly target: number;
  readonly start: number;
  /** Half the bracket of ln scale at which to stop. */
  readonly relativeTolerance: number;
  /** Steps of an ascent while bracketing, and at the end. */
  readonly bracketSteps: number;
  readonly steps: number;
}

/** The bracket so far: the drop is below the target at `low` and not at `high`. */
export interface Bracket {
  low: number | null;
  high: number | null;
}

const DOUBLINGS = 16;
/** Half the bracket of ln scale with which the short ascents hand over to the long ones. */
const COARSE = 0.04;
/** Short ascents find scales 1 to 4 % too high: the long ones look this far below first, then outward. */
const STRIDE = 0.03;

/**
 * The first upward crossing of a deterministic drop: short ascents bracket it by doubling and narrow it to +-4 %, long
 * ones find it anew from there, stride by stride, and narrow it to the tolerance. Bisection in ln scale throughout.
 */
export async function bracketAndPolish(
  dropAt: (scale: number, steps: number) => Promise<number>,
  bracket: Bracket,
  { target, start, relativeTolerance, bracketSteps, steps }: PolishOptions,
): Promise<SearchOutcome> {
  const probe = async (scale: number, ascentSteps: number) => {
    if ((await dropAt(scale, ascentSteps)) >= target) bracket.high = scale;
    else bracket.low = scale;
  };
  const expand = async (from: number, ascentSteps: number, factor: number, times: number): Promise<boolean> => {
    let stride = factor;
    for (let i = 0, scale = from; i < times; i++) {
      await probe(scale, ascentSteps);
      if (bracket.low !== null && bracket.high !== null) return true;
      scale = bracket.low === null ? scale / stride : scale * stride;
      stride = Math.min(2, stride * factor);
    }
    return false;
  };
  const narrow = async (ascentSteps: number, half: number) => {
    while (Math.log(bracket.high! / bracket.low!) / 2 > half)
      await probe(Math.sqrt(bracket.high! * bracket.low!), ascentSteps);
  };

  if (!(await expand(start, bracketSteps, 2, DOUBLINGS))) return beyond(bracket);
  await narrow(bracketSteps, COARSE);
  const coarse = Math.sqrt(bracket.low! * bracket.high!);
  bracket.low = null;
  bracket.high = null;
  if (!(await expand(coarse * Math.exp(-STRIDE), steps, Math.exp(STRIDE), DOUBLINGS))) return beyond(bracket);
  await narrow(steps, relativeTolerance);
  const [low, high] = [bracket.low!, bracket.high!];
  return { value: Math.sqrt(low * high), ci95: [low, high], status: 'converged' };
}

function beyond({ low, high }: Bracket): SearchOutcome {
  if (low === null) return { value: null, ci95: [0, high!], status: 'saturated-low' };
  return { value: null, ci95: [low, Number.POSITIVE_INFINITY], status: 'saturated-high' };
}
