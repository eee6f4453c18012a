import { requireOneOf } from '@qgen/core';
import { groupBySettings, type Point, type PoolOptions, readPool, requirePoolOptions } from './pool';

export interface ConditionalMutualInformationOptions<Row> extends PoolOptions<Row> {
  /** Which reading of the score; `'jiang2019'` unless said. */
  readonly dialect?: 'jiang2019' | 'pgdl';
  /** `'jiang2019'`: the most axes in a condition, 2 unless said. */
  readonly maxConditioned?: number;
}

export interface ConditionalMutualInformation {
  /** K of Jiang et al. 2019: the smallest of `byCondition`, in 0..1, larger is better. NaN where none leaves the gap entropy. */
  readonly score: number;
  /** I(V_mu; V_g | U_S) / H(V_g | U_S) for each S, named 'lr|width'; '(none)' is the empty S. */
  readonly byCondition: Readonly<Record<string, number>>;
  /** Rows left out because their measure or gap is missing, not finite, or of a search without an estimate. */
  readonly excluded: number;
}

/**
 * How much the order of a measure says about the order of the gap beyond what the hyper-parameters say: with
 * V_mu and V_g the signs of the differences of two models, and U_S the settings of both on the axes S,
 *
 *     K = min_S I(V_mu; V_g | U_S) / H(V_g | U_S)
 *
 * Larger is better, and blind to direction: a measure that orders all pairs wrongly scores 1 too, so read
 * Kendall's tau beside it. A condition under which the gap has no entropy left is NaN and counts in no minimum.
 *
 * `'jiang2019'` (Jiang et al. 2019, eq. 8 to 10): S has 0, 1 or 2 axes; the pairs are all ordered pairs of different
 * models; a tie is a third value of V; a value of U_S weighs as much as it has pairs.
 * `'pgdl'` (the scoring program of the competition PGDL, NeurIPS 2020, which reports 100 K averaged over its tasks): S has
 * 2 axes; a model also makes a pair with itself; V is 1 or, a tie included, -1; all values of U_S weigh the same. Its gap
 * is the accuracy gap.
 *
 * Cost: O(n^2) pairs for each condition.
 *
 * @throws TypeError for rows, axes or fields of another form, RangeError for an unknown option or a field that a row does
 * not have, and for fewer than two axes in PGDL
 */
export function conditionalMutualInformation<Row>(
  rows: readonly Row[],
  options: ConditionalMutualInformationOptions<Row>,
): ConditionalMutualInformation {
  const caller = 'conditionalMutualInformation';
  const own = options?.dialect === 'pgdl' ? ['dialect'] : ['dialect', 'maxConditioned'];
  requirePoolOptions(caller, options, own, { maxConditioned: "dialect: 'jiang2019'" });
  const { axes, dialect = 'jiang2019', maxConditioned = 2 } = options;
  requireOneOf(caller, 'dialect', dialect, ['jiang2019', 'pgdl']);
  if (!(Number.isInteger(maxConditioned) && maxConditioned >= 0))
    throw new RangeError(`${caller}: maxConditioned must be an integer of 0 or more, got ${maxConditioned}`);
  const { points, excluded } = readPool(rows, options, caller);
  const pgdl = dialect === 'pgdl';
  if (pgdl && axes.length < 2)
    throw new RangeError(`${caller}: dialect 'pgdl' conditions on two axes, got ${axes.length}; name two axes or more`);
  const conditions = subsets(axes.length, pgdl ? 2 : maxConditioned).filter((each) => !pgdl || each.length === 2);
  const byCondition: Record<string, number> = {};
  for (const positions of conditions) {
    const name = positions.length === 0 ? '(none)' : positions.map((i) => axes[i]).join('|');
    byCondition[name] = informationShare(groupBySettings(points, positions), pgdl ? PGDL : JIANG);
  }
  const known = Object.values(byCondition).filter((value) => !Number.isNaN(value));
  return { score: known.length > 0 ? Math.min(...known) : Number.NaN, byCondition, excluded };
}

/** The details in which the dialects differ. */
interface Reading {
  /** 0, 1 or 2 for the difference of two values. */
  sign(difference: number): number;
  readonly selfPairs: boolean;
  /** The weight of a value of U_S that has this many pairs. */
  weight(pairs: number): number;
}

const JIANG: Reading = { sign: (difference) => Math.sign(difference) + 1, selfPairs: false, weight: (pairs) => pairs };
const PGDL: Reading = { sign: (difference) => (difference > 0 ? 1 : 0), selfPairs: true, weight: () => 1 };

/** I(V_mu; V_g | U_S) / H(V_g | U_S): pairs of one pair of groups share their U_S. */
function informationShare(groups: readonly (readonly Point[])[], reading: Reading): number {
  let information = 0;
  let entropy = 0;
  for (const a of groups)
    for (const b of groups) {
      const counts = signCounts(a, b, reading);
      const total = counts.reduce((sum, count) => sum + count, 0);
      if (total === 0) continue;
      const share = reading.weight(total) / total;
      const measure = [0, 1, 2].map((m) => counts[3 * m] + counts[3 * m + 1] + counts[3 * m + 2]);
      const gap = [0, 1, 2].map((g) => counts[g] + counts[3 + g] + counts[6 + g]);
      for (const [i, count] of counts.entries())
        if (count > 0)
          information += share * count * Math.log((count * total) / (measure[Math.floor(i / 3)] * gap[i % 3]));
      for (const count of gap) if (count > 0) entropy -= share * count * Math.log(count / total);
    }
  return information / entropy;
}

/** How often each (V_mu, V_g) occurs over the ordered pairs, at 3 V_mu + V_g. */
function signCounts(a: readonly Point[], b: readonly Point[], { sign, selfPairs }: Reading): number[] {
  const counts = new Array<number>(9).fill(0);
  for (const p of a)
    for (const q of b) if (selfPairs || p !== q) counts[3 * sign(p.measure - q.measure) + sign(p.gap - q.gap)]++;
  return counts;
}

function subsets(n: number, maxSize: number): number[][] {
  const all: number[][] = [[]];
  for (const subset of all)
    if (subset.length < maxSize) for (let i = (subset.at(-1) ?? -1) + 1; i < n; i++) all.push([...subset, i]);
  return all;
}
