import type { Draws } from './draws';
import type { SearchOutcome, TracePoint } from './result';

export interface PaperOptions {
  readonly target: number;
  /** Ends of the interval that is halved. */
  readonly range: readonly [number, number];
  readonly iterations: number;
  readonly drawsPerNode: number;
  /** The search stops where the drop is this close to the target. */
  readonly tolerance: number;
}

/**
 * The protocol of Dziugaite et al. 2020 that QGen used: bisection of [0, 2] at the linear midpoint, at most 15 nodes, each
 * the mean accuracy of 10 fresh draws on all training examples; it stops as soon as | |drop| - 0.1 | < 0.01 and
 * returns the last midpoint. Kept with its defects: the first nodes destroy the net and are wasted, the resolution is
 * absolute, the window of +-0.01 is +-5 % in scale, a gain of accuracy counts as a drop, one noisy node can send the
 * search astray, and it ends at 2 (or at 0) where the target lies beyond. That last one is flagged here.
 */
export async function paperSearch(draws: Draws, trace: TracePoint[], options: PaperOptions): Promise<SearchOutcome> {
  const { target, iterations, drawsPerNode, tolerance } = options;
  const accuracy = await draws.cleanAccuracy();
  let [low, high] = options.range;
  const [bottom, top] = options.range;
  let value = (low + high) / 2;
  for (let node = 0; node < iterations; node++) {
    value = (low + high) / 2;
    const drops: number[] = [];
    for (let i = 0; i < drawsPerNode; i++) drops.push(accuracy - (await draws.full(value)));
    const point = tracePoint(value, drops, draws.state.clean);
    trace.push(point);
    const displacement = Math.abs(point.drop);
    if (Math.abs(displacement - target) < tolerance) return { value, ci95: null, status: 'converged' };
    if (displacement > target) high = value;
    else low = value;
  }
  if (high === top) return { value, ci95: null, status: 'saturated-high', warnings: [saturation(value, top)] };
  if (low === bottom) return { value, ci95: null, status: 'saturated-low', warnings: [saturation(value, bottom)] };
  return { value, ci95: null, status: 'budget' };
}

function saturation(value: number, end: number): string {
  return `the bisection ran into the end ${end} of its range: ${value} is not where the accuracy drops by the target`;
}

/** A node of several draws. */
export function tracePoint(scale: number, drops: readonly number[], examplesPerDraw: number): TracePoint {
  const n = drops.length;
  const drop = drops.reduce((sum, each) => sum + each, 0) / n;
  const squares = drops.reduce((sum, each) => sum + (each - drop) ** 2, 0);
  const point = { scale, drop, draws: n, examples: n * examplesPerDraw };
  return n > 1 ? { ...point, standardError: Math.sqrt(squares / (n - 1) / n) } : point;
}
