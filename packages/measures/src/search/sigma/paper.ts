import { mean, standardError } from '@qgen/core';
import { type BisectRangeOptions, bisectRange } from '../bisect-range';
import type { SearchOutcome, TracePoint } from '../result';
import type { Draws } from './draws';

/** `bisectRange` with the mean of `drawsPerNode` fresh draws (10) on all examples at every node. */
export async function paperSearch(
  draws: Draws,
  trace: TracePoint[],
  { drawsPerNode, ...options }: BisectRangeOptions & { readonly drawsPerNode: number },
): Promise<SearchOutcome> {
  const accuracy = await draws.cleanAccuracy();
  return bisectRange(async (scale) => {
    const drops: number[] = [];
    for (let i = 0; i < drawsPerNode; i++) drops.push(accuracy - (await draws.full(scale)));
    const point = tracePoint(scale, drops, draws.clean.size);
    trace.push(point);
    return point.drop;
  }, options);
}

/** A node of several draws. */
function tracePoint(scale: number, drops: readonly number[], examplesPerDraw: number): TracePoint {
  const n = drops.length;
  const point = { scale, drop: mean(drops), draws: n, examples: n * examplesPerDraw };
  return n > 1 ? { ...point, standardError: standardError(drops) } : point;
}
