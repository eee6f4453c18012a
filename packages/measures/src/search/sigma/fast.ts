import { drawsFor, meanInterval, studentFactor } from '@qgen/core';
import { isUnreachable } from '../chance';
import type { SearchOutcome, TracePoint } from '../result';
import type { Draws } from './draws';
import { type DropAt, fitPowerLaw, type PowerLaw, PRIOR_SLOPE } from './power-law';

export interface FastOptions {
  readonly target: number;
  /** The scale to try first. */
  readonly start: number;
  /** Half the width of the 95 % interval of ln scale at which to stop. */
  readonly relativeTolerance: number;
  readonly examplesPerDraw: number;
  readonly maxExamples: number;
  readonly size: number;
}

/** The state of the protocol, for progress and for the result of an aborted search. */
export interface FastState {
  phase: 'bracket' | 'slope' | 'root';
  /** The root of ln scale so far. */
  estimate: Estimate | null;
  readonly trace: TracePoint[];
}

interface Estimate {
  readonly root: number;
  /** The ends of its 95 % interval. */
  readonly low: number;
  readonly high: number;
}

/** Draws per node while bracketing. */
const NODE_DRAWS = 4;
/** How many times the first scale is doubled or halved before the search gives up. */
const DOUBLINGS = 16;
/** A bracket is halved until its upper end costs less than this many targets, or its ends are so close. */
const STEEP = 4;
const CLOSE = 0.1;
/**
 * How far from the root the slope is measured: where the drop is target / 1.8 and 1.8 target, but no farther than 0.4 in
 * ln scale. Nearer takes more draws, farther the curve bends.
 */
const LOG_DROPS = 0.6;
const MOST_SPREAD = 0.4;
/**
 * The slope is known once its standard error is this share of it: asked after 24 draws and each time that there are half
 * as many again. Asking after every draw would favour slopes that are too steep by chance.
 */
const SLOPE_ERROR = 1 / 8;
const LEAST_SLOPE_DRAWS = 24;
const SLOPE_LOOKS = 1.5;
/** Root draws at least: fewer are too skewed for any interval. */
const LEAST_ROOT_DRAWS = 48;
/** The number of root draws from which on their own scatter may plan how many more to take. */
const ENOUGH_TO_PLAN = 256;
/** After so many root draws, and each time that there are twice as many, draws move to the root so far. */
const FIRST_MOVE = 16;

/**
 * The default protocol: the scale whose expected drop is the target, from draws that each see a few examples of their
 * own and are compared with the clean answers to the same examples. In x = ln scale:
 *
 * 1. Bracket the root by doubling or halving, four draws a node.
 * 2. Measure the slope of the drop: draws in pairs on either side of the root so far, and the power law through them.
 * 3. From then on every draw, made at the root so far, is one step of Newton's: root_i = x_i + (target - drop_i) / slope.
 *    Their mean is the root, and its interval that of `meanInterval`.
 *
 * Draws of step 3 are made where drops are closest to the target, so that an error of the slope costs next to nothing:
 * mean(root_i) - root = -mean(e_i) / slope + (1 - b / slope) mean(x_i - root), with e_i the error of drop_i and b the
 * true slope, and the second term is in the interval.
 *
 * Draws of step 2 decide on place and slope, and by their scatter on how many draws step 3 takes, and are no part of the
 * mean (two stages, as in Stein 1945). A rule that looks at the draws it averages stops where their scatter is low by
 * chance. Drops are skewed, so that a low scatter goes with a low mean, and the root would be too high by
 * skewness / sqrt(n) of its standard errors. Where the plan was too short, which its end shows, draws are added; 256 draws
 * of step 3 may plan anew, for by then the effect is a sixteenth of a standard error times the skewness.
 *
 * More examples a draw would only reduce the spread between examples, which gains nothing once it is below the spread
 * between draws of noise: many draws of few examples are cheapest, and the cost does not grow with the data.
 */
export async function fastSearch(draws: Draws, state: FastState, options: FastOptions): Promise<SearchOutcome> {
  const points: DropAt[] = [];
  const drawAt = async (x: number): Promise<number> => {
    const scale = Math.exp(x);
    const drop = await draws.subset(scale, options.examplesPerDraw);
    points.push({ x, drop });
    state.trace.push({ scale, drop, draws: 1, examples: Math.min(options.examplesPerDraw, options.size) });
    return drop;
  };
  const bracket = await findBracket(drawAt, draws, options);
  if ('status' in bracket) return bracket;
  state.phase = 'slope';
  const law = await findSlope(drawAt, { draws, state, points, near: bracket.root }, options);
  state.phase = 'root';
  const status = await findRoot(drawAt, { draws, state, law }, options);
  if (state.estimate && isBeyondRange(state.estimate.root, options.start)) {
    const high = state.estimate.root > Math.log(options.start);
    return saturated(options.start * 2 ** (high ? DOUBLINGS : -DOUBLINGS), draws, options.target, high);
  }
  const nonMonotone = isNonMonotone(points, state.estimate?.root ?? law.root, options.target);
  return { ...describe(state.estimate), status, nonMonotone };
}

/** The value and its interval that an estimate stands for. */
export function describe(estimate: Estimate | null): Pick<SearchOutcome, 'value' | 'interval'> {
  if (!estimate) return { value: null, interval: null };
  const { root, low, high } = estimate;
  const interval = Number.isFinite(high - low) ? ([Math.exp(low), Math.exp(high)] as const) : null;
  return { value: Math.exp(root), interval };
}

/**
 * Whether a root lies beyond the scales that a bracket is searched at. A node of few draws may seem to cross the
 * target where the drop never does (a floor of noise alone costs more); the roots after it then run away.
 */
const isBeyondRange = (root: number, start: number): boolean => Math.abs(root - Math.log(start)) > DOUBLINGS * Math.LN2;

type DrawAt = (x: number) => Promise<number>;

async function findBracket(
  drawAt: DrawAt,
  draws: Draws,
  { target, start, maxExamples }: FastOptions,
): Promise<SearchOutcome | { root: number }> {
  let below: DropAt | undefined;
  let above: DropAt | undefined;
  for (let doublings = 0, x = Math.log(start); ; ) {
    let drop = 0;
    for (let i = 0; i < NODE_DRAWS; i++) drop += (await drawAt(x)) / NODE_DRAWS;
    if (isUnreachable(draws.clean, target)) return { value: null, interval: null, status: 'unreachable' };
    if (drop < target) below = { x, drop };
    else above = { x, drop };
    if (draws.state.examplesEvaluated >= maxExamples) return { value: null, interval: null, status: 'budget' };
    if (below && above) {
      if (above.drop < STEEP * target || above.x - below.x < CLOSE) return { root: interpolate(below, above, target) };
      x = (below.x + above.x) / 2;
    } else {
      if (++doublings > DOUBLINGS) return saturated(Math.exp(x), draws, target, below !== undefined);
      x += (below ? 1 : -1) * Math.LN2;
    }
  }
}

function saturated(limit: number, { clean }: Draws, target: number, high: boolean): SearchOutcome {
  if (!high) return { value: null, interval: [0, limit], status: 'saturated-low' };
  if (clean.right / clean.known - 1 / clean.classes < target)
    return { value: null, interval: null, status: 'unreachable' };
  return { value: null, interval: [limit, Number.POSITIVE_INFINITY], status: 'saturated-high' };
}

/** Where a power law through two nodes passes the target; the middle where a node has no drop at all. */
function interpolate(below: DropAt, above: DropAt, target: number): number {
  const low = Math.max(below.drop, target / 50);
  const share = Math.log(target / low) / Math.log(above.drop / low);
  return below.x + Math.min(0.9, Math.max(0.1, share)) * (above.x - below.x);
}

/** Step 2. Draws are made on both sides before the place moves, so that the window below always holds both. */
async function findSlope(
  drawAt: DrawAt,
  {
    draws,
    state,
    points,
    near,
  }: { readonly draws: Draws; readonly state: FastState; readonly points: readonly DropAt[]; readonly near: number },
  { target, start, maxExamples }: FastOptions,
): Promise<PowerLaw> {
  const unknown = Number.POSITIVE_INFINITY;
  let law: PowerLaw = { root: near, slope: PRIOR_SLOPE, slopeError: unknown, halfWidth: unknown, dispersion: unknown };
  let look = LEAST_SLOPE_DRAWS;
  for (let count = 2; draws.state.examplesEvaluated < maxExamples; count += 2) {
    const { root, slope } = law;
    const spread = Math.min(MOST_SPREAD, LOG_DROPS / slope);
    await drawAt(root - spread);
    await drawAt(root + spread);
    law = fitPowerLaw(
      points.filter(({ x }) => Math.abs(x - root) <= 2 * spread),
      target,
      law,
    );
    state.estimate = { root: law.root, low: law.root - law.halfWidth, high: law.root + law.halfWidth };
    if (isBeyondRange(law.root, start)) break;
    if (count < look) continue;
    if (law.slopeError < SLOPE_ERROR * law.slope) break;
    look *= SLOPE_LOOKS;
  }
  return law;
}

/** Step 3. Leaves the root in `state`, or what step 2 knew where the examples ran out before the first move. */
async function findRoot(
  drawAt: DrawAt,
  { draws, state, law }: { readonly draws: Draws; readonly state: FastState; readonly law: PowerLaw },
  { target, start, relativeTolerance, maxExamples }: FastOptions,
): Promise<'converged' | 'budget'> {
  if (isBeyondRange(law.root, start)) return 'budget';
  const roots: number[] = [];
  let places = 0;
  let centre = law.root;
  const planned = (draws: number, halfWidth: number) =>
    Math.max(LEAST_ROOT_DRAWS, drawsFor(relativeTolerance, { draws, halfWidth }));
  // The variance of a drop at the root is dispersion times target, that of its root_i (slope target)^2 times less.
  let plan = planned(1, (1.96 * Math.sqrt(law.dispersion / target)) / law.slope);
  for (let look = FIRST_MOVE; ; look = Math.min(2 * roots.length, Math.max(plan, roots.length + FIRST_MOVE))) {
    while (roots.length < look && draws.state.examplesEvaluated < maxExamples) {
      const drop = await drawAt(centre);
      places += centre;
      roots.push(centre + (target - drop) / (law.slope * target));
    }
    if (roots.length < FIRST_MOVE) return 'budget';
    const n = roots.length;
    const { mean: root, interval } = meanInterval(roots);
    const slant = (studentFactor(n - 1) * (places / n - root) * law.slopeError) / law.slope;
    const [low, high] = [root - Math.hypot(root - interval[0], slant), root + Math.hypot(interval[1] - root, slant)];
    const halfWidth = (high - low) / 2;
    state.estimate = { root, low, high };
    if (n >= plan && halfWidth <= relativeTolerance) return 'converged';
    if (draws.state.examplesEvaluated >= maxExamples || isBeyondRange(root, start)) return 'budget';
    // Until the draws of this step know better, the root of step 2 is the place to be.
    if (halfWidth < law.halfWidth) centre = root;
    if (n >= Math.min(plan, ENOUGH_TO_PLAN)) plan = planned(n, halfWidth);
  }
}

function isNonMonotone(points: readonly DropAt[], root: number, target: number): boolean {
  const nodes = new Map<number, number[]>();
  for (const { x, drop } of points) {
    const drops = nodes.get(x);
    if (drops) drops.push(drop);
    else nodes.set(x, [drop]);
  }
  return [...nodes].some(([x, drops]) => {
    if (x <= root + MOST_SPREAD || drops.length < NODE_DRAWS) return false;
    const { mean, standardError } = meanInterval(drops);
    return mean < target - 3 * standardError;
  });
}
