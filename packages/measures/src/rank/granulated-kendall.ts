import { kendallTau } from './kendall-tau';
import { groupBySettings, type Point, type PoolOptions, readPool } from './pool';

export interface GranulatedKendallOptions<Row> extends PoolOptions<Row> {
  /** The axis (or axes) that only tells repetitions apart, the seed for one: rows equal on `axes` are averaged first. */
  readonly repeats?: string | readonly string[];
}

export interface GranulatedKendall {
  /** psi_i for each axis; NaN where no group has two settings of it. */
  readonly psi: Readonly<Record<string, number>>;
  /** The mean of psi_i over the axes that have one; NaN where none has. */
  readonly Psi: number;
  /** The number of groups behind each psi_i. */
  readonly groups: Readonly<Record<string, number>>;
  /** Rows left out because their measure or gap is missing, not finite, or of a search without an estimate. */
  readonly excluded: number;
}

/**
 * The granulated Kendall coefficient: for axis i, `psi_i` is the mean of tau a over the groups of models that differ
 * in axis i alone, and `Psi = mean_i psi_i` (Jiang et al. 2019, eq. 5 and 6). A measure that only follows one
 * hyper-parameter scores high on that axis and near zero on the others. Groups of one are skipped.
 * Throws a RangeError without axes, or for a field that a row does not have.
 */
export function granulatedKendall<Row>(
  rows: readonly Row[],
  options: GranulatedKendallOptions<Row>,
): GranulatedKendall {
  const { axes, repeats = [] } = options;
  if (axes.length === 0) throw new RangeError('granulatedKendall: axes is empty; name the hyper-parameters that vary');
  const repeated = typeof repeats === 'string' ? [repeats] : repeats;
  const shared = repeated.find((name) => axes.includes(name));
  if (shared)
    throw new RangeError(`granulatedKendall: '${shared}' is both an axis and a repeat; keep it in one of them`);
  const { points, excluded } = readPool(rows, options, 'granulatedKendall');
  const settings = repeated.length > 0 ? averageRepeats(points) : points;

  const psi: Record<string, number> = {};
  const groups: Record<string, number> = {};
  for (const [i, axis] of axes.entries()) {
    const others = axes.map((_, position) => position).filter((position) => position !== i);
    const taus = groupBySettings(settings, others)
      .filter((group) => group.length > 1)
      .map(
        (group) =>
          kendallTau(
            group.map((p) => p.measure),
            group.map((p) => p.gap),
          ).tauA,
      );
    psi[axis] = mean(taus);
    groups[axis] = taus.length;
  }
  return { psi, Psi: mean(Object.values(psi).filter((value) => !Number.isNaN(value))), groups, excluded };
}

/** One point for each combination of settings: the mean measure and the mean gap of its repetitions. */
function averageRepeats(points: readonly Point[]): Point[] {
  const all = points[0]?.settings.map((_, position) => position) ?? [];
  return groupBySettings(points, all).map((group) => ({
    settings: group[0].settings,
    measure: mean(group.map((p) => p.measure)),
    gap: mean(group.map((p) => p.gap)),
  }));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
