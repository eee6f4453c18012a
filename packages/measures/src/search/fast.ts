import type { Draws } from './draws';
import { type DropAt, fitPowerLaw, type PowerLaw } from './power-law';
import type { SearchOutcome, SearchStatus, TracePoint } from './result';

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

/** Draws per node while bracketing. */
const NODE_DRAWS = 4;
/** How far from the root, in ln scale, draws are made and draws are believed: farther, the bend of the curve biases. */
const SPREAD = 0.12;
const WINDOW = 0.24;
/** Drops are skewed: fewer draws that happen to miss the rare large ones look surer than they are, and lie too high. */
const LEAST_DRAWS = 96;
/** The rule to stop is asked only this often: to look at every draw favours a stop at chance lows of drop and spread. */
const DRAWS_PER_LOOK = 16;
/** How many times the first scale is doubled or halved before the search gives up. */
const DOUBLINGS = 16;

/** What the protocol tells while it runs, and what is left of it when it is aborted. */
export interface FastState {
  phase: 'bracket' | 'root';
  fit: PowerLaw | null;
  readonly trace: TracePoint[];
}

/**
 * The default protocol: the scale whose expected drop is the target, from draws that each see a few examples of their
 * own and are compared with the clean answers to the same examples.
 *
 * 1. Bracket by doubling or halving, four draws a node.
 * 2. Draw in turn at exp(x - 0.12) and exp(x + 0.12) around the current estimate x of the root, in x = ln scale.
 * 3. Fit the power law to all draws within 0.24 of x; stop when the half-width of its interval is within the
 *    tolerance.
 *
 * More examples a draw would only bring down the spread between examples, and below the spread between draws of noise
 * that buys nothing: many draws of few examples are cheapest, and the cost does not grow with the data.
 */
export async function fastSearch(draws: Draws, state: FastState, options: FastOptions): Promise<SearchOutcome> {
  const { target, relativeTolerance, maxExamples } = options;
  const points: DropAt[] = [];
  const drawAt = async (scale: number): Promise<number> => {
    const drop = await draws.subset(scale, options.examplesPerDraw);
    points.push({ x: Math.log(scale), drop });
    state.trace.push({ scale, drop, draws: 1, examples: Math.min(options.examplesPerDraw, options.size) });
    return drop;
  };
  const bracket = await findBracket(drawAt, draws, options);
  if ('status' in bracket) return bracket;

  state.phase = 'root';
  let fit: PowerLaw = { root: bracket.root, slope: 2, halfWidth: Number.POSITIVE_INFINITY };
  state.fit = fit;
  let status: SearchStatus = 'budget';
  for (let side = -1; draws.state.examplesEvaluated < maxExamples; side = -side) {
    await drawAt(Math.exp(fit.root + side * SPREAD));
    const near = points.filter(({ x }) => Math.abs(x - fit.root) <= WINDOW);
    fit = fitPowerLaw(near, target, fit);
    state.fit = fit;
    if (near.length >= LEAST_DRAWS && points.length % DRAWS_PER_LOOK === 0 && fit.halfWidth < relativeTolerance) {
      status = 'converged';
      break;
    }
  }
  return { ...estimate(fit), status, nonMonotone: isNonMonotone(points, fit.root, target) };
}

/** The value and its interval that a fit stands for. */
export function estimate({ root, halfWidth }: PowerLaw): Pick<SearchOutcome, 'value' | 'ci95'> {
  const value = Math.exp(root);
  if (!Number.isFinite(halfWidth)) return { value, ci95: null };
  return { value, ci95: [value * Math.exp(-halfWidth), value * Math.exp(halfWidth)] };
}

async function findBracket(
  drawAt: (scale: number) => Promise<number>,
  draws: Draws,
  { target, start, maxExamples }: FastOptions,
): Promise<SearchOutcome | { root: number }> {
  let below: { x: number; drop: number } | undefined;
  let above: { x: number; drop: number } | undefined;
  for (let doublings = 0, x = Math.log(start); ; ) {
    let drop = 0;
    for (let i = 0; i < NODE_DRAWS; i++) drop += (await drawAt(Math.exp(x))) / NODE_DRAWS;
    if (isUnreachable(draws, target)) return { value: null, ci95: null, status: 'unreachable' };
    if (drop < target) below = { x, drop };
    else above = { x, drop };
    if (below && above) return { root: interpolate(below, above, target) };
    if (draws.state.examplesEvaluated >= maxExamples) return { value: null, ci95: null, status: 'budget' };
    if (++doublings > DOUBLINGS) return saturated(Math.exp(x), draws, target, below !== undefined);
    x += (below ? 1 : -1) * Math.LN2;
  }
}

function saturated(limit: number, draws: Draws, target: number, high: boolean): SearchOutcome {
  const { clean } = draws;
  if (!high) return { value: null, ci95: [0, limit], status: 'saturated-low' };
  if (clean.right / clean.known - 1 / clean.classes < target) return { value: null, ci95: null, status: 'unreachable' };
  return { value: null, ci95: [limit, Number.POSITIVE_INFINITY], status: 'saturated-high' };
}

/** Surely less than the target above chance, by what is known of the clean accuracy (3 standard errors). */
export function isUnreachable({ clean }: Draws, target: number): boolean {
  const { known, right, size } = clean;
  const accuracy = right / known;
  const error = Math.sqrt((Math.max(accuracy * (1 - accuracy), 1 / known) / known) * (1 - known / size));
  return accuracy - 1 / clean.classes + 3 * error < target;
}

/** Where a power law through two nodes passes the target; the middle where a node has no drop at all. */
function interpolate(below: DropAt, above: DropAt, target: number): number {
  const low = Math.max(below.drop, target / 50);
  const share = Math.log(target / low) / Math.log(above.drop / low);
  return below.x + Math.min(0.9, Math.max(0.1, share)) * (above.x - below.x);
}

function isNonMonotone(points: readonly DropAt[], root: number, target: number): boolean {
  const nodes = new Map<number, number[]>();
  for (const { x, drop } of points) nodes.set(x, [...(nodes.get(x) ?? []), drop]);
  return [...nodes].some(([x, drops]) => {
    if (x <= root + SPREAD || drops.length < NODE_DRAWS) return false;
    const centre = drops.reduce((sum, drop) => sum + drop, 0) / drops.length;
    const squares = drops.reduce((sum, drop) => sum + (drop - centre) ** 2, 0);
    return centre < target - 3 * Math.sqrt(squares / (drops.length - 1) / drops.length);
  });
}
