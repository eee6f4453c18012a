import type { SearchOutcome } from '../result';

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
  const coarse: Bracket = { low: null, high: null };
  if (!(await expand(coarse, start, bracketSteps, 2))) return beyond(coarse);
  Object.assign(bracket, coarse);
  await narrow(bracket, bracketSteps, COARSE);
  // What the short ascents found stands until the long ones have a bracket of their own.
  const fine: Bracket = { low: null, high: null };
  const middle = Math.sqrt(bracket.low! * bracket.high!);
  if (!(await expand(fine, middle * Math.exp(-STRIDE), steps, Math.exp(STRIDE)))) return beyond(fine);
  Object.assign(bracket, fine);
  await narrow(bracket, steps, relativeTolerance);
  const [low, high] = [bracket.low!, bracket.high!];
  return { value: Math.sqrt(low * high), interval: [low, high], status: 'converged' };

  async function probe(ends: Bracket, scale: number, ascentSteps: number): Promise<void> {
    if ((await dropAt(scale, ascentSteps)) >= target) ends.high = scale;
    else ends.low = scale;
  }

  /** Goes up from a low drop, or down from a high one, in strides that grow to doubling, until both ends are known. */
  async function expand(ends: Bracket, from: number, ascentSteps: number, factor: number): Promise<boolean> {
    let stride = factor;
    for (let i = 0, scale = from; i < DOUBLINGS; i++) {
      await probe(ends, scale, ascentSteps);
      if (ends.low !== null && ends.high !== null) return true;
      scale = ends.low === null ? scale / stride : scale * stride;
      stride = Math.min(2, stride * factor);
    }
    return false;
  }

  async function narrow(ends: Bracket, ascentSteps: number, half: number): Promise<void> {
    while (Math.log(ends.high! / ends.low!) / 2 > half)
      await probe(ends, Math.sqrt(ends.high! * ends.low!), ascentSteps);
  }
}

function beyond({ low, high }: Bracket): SearchOutcome {
  if (low === null) return { value: null, interval: [0, high!], status: 'saturated-low' };
  return { value: null, interval: [low, Number.POSITIVE_INFINITY], status: 'saturated-high' };
}
