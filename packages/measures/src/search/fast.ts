import { meanInterval, studentFactor } from '@qgen/core';
import { isUnreachable } from './chance';
import type { Draws } from './draws';
import { type DropAt, fitPowerLaw, type PowerLaw, PRIOR_SLOPE } from './power-law';
import type { SearchOutcome, TracePoint } from './result';

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

/** What the protocol tells while it runs, and what is left of it when it is aborted. */
export interface FastState {
  phase: 'bracket' | 'slope' | 'root';
  /** The root of ln scale so far. */
  estimate: Estimate | null;
  readonly trace: TracePoint[];
}

interface Estimate {
  readonly root: number;
  /** Half of its 95 % interval. */
  readonly halfWidth: number;
}

/** Draws per node while bracketing. */
const NODE_DRAWS = 4;
/** How many times the first scale is doubled or halved before the search gives up. */
const DOUBLINGS = 16;
/** A bracket is halved until its upper end costs less than this many targets, or its ends are so close. */
const STEEP = 4;
const CLOSE = 0.1;
/**
 * How far from the root the slope is measured: where the drop is target / 1.8 and 1.8 target, but no farther than 0.3 in
 * ln scale. Nearer takes more draws, farther the curve bends.
 */
const LOG_DROPS = 0.6;
const MOST_SPREAD = 0.5;
/**
 * The slope is known once its standard error is this share of it: asked after 24 draws and each time that there are half
 * as many again, for to ask after every draw would favour slopes that are too steep by chance.
 */
const SLOPE_ERROR = 1 / 10;
const LEAST_SLOPE_DRAWS = 24;
const SLOPE_LOOKS = 1.5;
/** The root draws of the first look, and of the last at least: fewer are too skewed for Student's interval. */
const FIRST_LOOK = 16;
const LEAST_ROOT_DRAWS = 48;
/** Draws beyond what the scatter so far asks for, so that the first planned stop is mostly the last. */
const MARGIN = 1.05;

/**
 * The default protocol: the scale whose expected drop is the target, from draws that each see a few examples of their
 * own and are compared with the clean answers to the same examples. In x = ln scale:
 *
 * 1. Bracket the root by doubling or halving, four draws a node.
 * 2. Measure the slope of the drop: draws in pairs on either side of the root so far, and the power law through them.
 * 3. From then on every draw, made at the root so far, is one step of Newton's: root_i = x_i + (target - drop_i) / slope.
 *    Their mean is the root, and its interval Student's.
 *
 * Draws of step 3 are made where drops are closest to the target, so that an error of the slope costs next to nothing:
 * mean(root_i) - root = -mean(e_i) / slope + (1 - b / slope) mean(x_i - root), with e_i the error of drop_i and b the
 * true slope, and the second term is in the interval. Draws of step 2 decide on place and slope and not on the mean. The
 * scatter decides when to stop, at the fewest looks: after 16 draws, then when their number has doubled or reached what
 * the scatter asks for. A rule that looks at every draw would favour chance lows, and drops with a chance low are too
 * high a root.
 *
 * More examples a draw would only bring down the spread between examples, and below the spread between draws of noise
 * that buys nothing: many draws of few examples are cheapest, and the cost does not grow with the data.
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
  const nonMonotone = isNonMonotone(points, state.estimate?.root ?? law.root, options.target);
  return { ...describe(state.estimate), status, nonMonotone };
}

/** The value and its interval that an estimate stands for. */
export function describe(estimate: Estimate | null): Pick<SearchOutcome, 'value' | 'interval'> {
  if (!estimate) return { value: null, interval: null };
  const { root, halfWidth } = estimate;
  const ends = [Math.exp(root - halfWidth), Math.exp(root + halfWidth)] as const;
  return { value: Math.exp(root), interval: Number.isFinite(halfWidth) ? ends : null };
}

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

/** Step 2. Both sides are drawn at before the place moves, so that the window below always holds both. */
async function findSlope(
  drawAt: DrawAt,
  {
    draws,
    state,
    points,
    near,
  }: { readonly draws: Draws; readonly state: FastState; readonly points: readonly DropAt[]; readonly near: number },
  { target, maxExamples }: FastOptions,
): Promise<PowerLaw> {
  const unknown = Number.POSITIVE_INFINITY;
  let law: PowerLaw = { root: near, slope: PRIOR_SLOPE, slopeError: unknown, halfWidth: unknown };
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
    state.estimate = law;
    if (count < look) continue;
    if (law.slopeError < SLOPE_ERROR * law.slope) break;
    look *= SLOPE_LOOKS;
  }
  return law;
}

/** Step 3. Leaves the root in `state`, or what step 2 knew where the examples ran out before the first look. */
async function findRoot(
  drawAt: DrawAt,
  { draws, state, law }: { readonly draws: Draws; readonly state: FastState; readonly law: PowerLaw },
  { target, relativeTolerance, maxExamples }: FastOptions,
): Promise<'converged' | 'budget'> {
  const roots: number[] = [];
  let places = 0;
  let centre = law.root;
  let plan = LEAST_ROOT_DRAWS;
  for (let look = FIRST_LOOK; ; look = Math.min(2 * roots.length, Math.max(plan, roots.length + FIRST_LOOK))) {
    while (roots.length < look && draws.state.examplesEvaluated < maxExamples) {
      const drop = await drawAt(centre);
      places += centre;
      roots.push(centre + (target - drop) / (law.slope * target));
    }
    if (roots.length < FIRST_LOOK) return 'budget';
    const n = roots.length;
    const { mean: root, halfWidth: scatter } = meanInterval(roots);
    const slant = (studentFactor(n - 1) * (places / n - root) * law.slopeError) / law.slope;
    const halfWidth = Math.hypot(scatter, slant);
    state.estimate = { root, halfWidth };
    if (n >= plan && halfWidth <= relativeTolerance) return 'converged';
    if (draws.state.examplesEvaluated >= maxExamples) return 'budget';
    // Until the draws of this step know better, the root of step 2 is the place to be.
    if (halfWidth < law.halfWidth) centre = root;
    plan = Math.max(LEAST_ROOT_DRAWS, Math.ceil(MARGIN * n * (halfWidth / relativeTolerance) ** 2));
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
