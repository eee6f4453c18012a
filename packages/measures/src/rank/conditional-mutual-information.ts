import { groupBySettings, type Point, type PoolOptions, readPool } from './pool';

export interface ConditionalMutualInformation {
  /** The smallest of `byCondition`, in 0..1: Jiang's K. */
  readonly K: number;
  /** I(V_mu; V_g | U_S) / H(V_g | U_S) for each S, named 'lr|width'; '(none)' is the empty S. */
  readonly byCondition: Readonly<Record<string, number>>;
  /** Rows left out because their measure or gap is missing, not finite, or of a search without an estimate. */
  readonly excluded: number;
}

/**
 * How much the order of a measure tells about the order of the gap that the hyper-parameters do not tell already:
 * over ordered pairs of models, `V_mu = sgn(mu_a - mu_b)`, `V_g = sgn(g_a - g_b)`, `U_S` the settings of both models on
 * the axes S, and `K = min_{|S| <= 2} I(V_mu; V_g | U_S) / H(V_g | U_S)` (Jiang et al. 2019, eq. 8 to 10; the score
 * of the PGDL competition). A condition under which the gap has no entropy left is NaN and not counted in the minimum.
 * Cost: O(n^2) pairs for each condition.
 */
export function conditionalMutualInformation<Row>(
  rows: readonly Row[],
  options: PoolOptions<Row> & { readonly maxConditioned?: number },
): ConditionalMutualInformation {
  const { axes, maxConditioned = 2 } = options;
  const { points, excluded } = readPool(rows, options, 'conditionalMutualInformation');
  const byCondition: Record<string, number> = {};
  for (const positions of subsets(axes.length, maxConditioned)) {
    const name = positions.length === 0 ? '(none)' : positions.map((i) => axes[i]).join('|');
    byCondition[name] = informationShare(points, positions);
  }
  const known = Object.values(byCondition).filter((value) => !Number.isNaN(value));
  return { K: known.length > 0 ? Math.min(...known) : Number.NaN, byCondition, excluded };
}

/** I(V_mu; V_g | U_S) / H(V_g | U_S): pairs of one pair of groups share their U_S. */
function informationShare(points: readonly Point[], positions: readonly number[]): number {
  const groups = groupBySettings(points, positions);
  let information = 0;
  let entropy = 0;
  for (const a of groups)
    for (const b of groups) {
      const counts = signCounts(a, b);
      const total = counts.reduce((sum, count) => sum + count, 0);
      if (total === 0) continue;
      const measure = [0, 1, 2].map((m) => counts[3 * m] + counts[3 * m + 1] + counts[3 * m + 2]);
      const gap = [0, 1, 2].map((g) => counts[g] + counts[3 + g] + counts[6 + g]);
      for (const [i, count] of counts.entries())
        if (count > 0) information += count * Math.log((count * total) / (measure[Math.floor(i / 3)] * gap[i % 3]));
      for (const count of gap) if (count > 0) entropy -= count * Math.log(count / total);
    }
  return information / entropy;
}

/** How often each (V_mu, V_g) occurs over the ordered pairs of different models, at 3 (V_mu + 1) + V_g + 1. */
function signCounts(a: readonly Point[], b: readonly Point[]): number[] {
  const counts = new Array<number>(9).fill(0);
  for (const p of a)
    for (const q of b) if (p !== q) counts[3 * (Math.sign(p.measure - q.measure) + 1) + Math.sign(p.gap - q.gap) + 1]++;
  return counts;
}

function subsets(n: number, maxSize: number): number[][] {
  const all: number[][] = [[]];
  for (const subset of all)
    if (subset.length < maxSize) for (let i = (subset.at(-1) ?? -1) + 1; i < n; i++) all.push([...subset, i]);
  return all;
}
