import { kendallTau, mean } from '@qgen/core';
import { groupBySettings, named, type Point, type PoolOptions, readPool, requirePoolOptions } from './pool';

export interface GranulatedKendallOptions<Row> extends PoolOptions<Row> {
  /** The axis (or axes) that only tells repetitions apart, the seed for one: rows equal on `axes` are averaged first. */
  readonly repeats?: string | readonly string[];
}

export interface GranulatedKendall {
  /** psi_i of each axis, in -1..1, larger is better; NaN where no group has two settings of it. */
  readonly byAxis: Readonly<Record<string, number>>;
  /** Psi, in -1..1, larger is better: the mean of psi_i over the axes that have one; NaN where none has. */
  readonly average: number;
  /** The number of groups behind each psi_i. */
  readonly groups: Readonly<Record<string, number>>;
  /** Rows left out because their measure or gap is missing, not finite, or of a search without an estimate. */
  readonly excluded: number;
}

/**
 * The granulated Kendall coefficient: for axis i, `psi_i` is the mean of tau a over the groups of models that differ
 * in axis i alone, and `Psi = mean_i psi_i` (Jiang et al. 2019, eq. 5 and 6). A measure that only follows one
 * hyper-parameter scores high on that axis and near zero on the others. Larger is better: 1 orders every group as the gap
 * does, -1 the other way round, 0 is no order. Groups of one are skipped.
 *
 * @throws TypeError for rows, axes, repeats or fields of another form, RangeError for an unknown option, without axes, for
 * a repeat that is an axis, and for a field that a row does not have
 */
export function granulatedKendall<Row>(
  rows: readonly Row[],
  options: GranulatedKendallOptions<Row>,
): GranulatedKendall {
  const caller = 'granulatedKendall';
  requirePoolOptions(caller, options, ['repeats']);
  const { axes, repeats = [] } = options;
  const { points, excluded } = readPool(rows, options, caller);
  if (axes.length === 0) throw new RangeError(`${caller}: axes is empty; name the hyper-parameters that vary`);
  const repeated = requireRepeats(caller, repeats, axes, rows);
  const settings = repeated.length > 0 ? averageRepeats(points) : points;

  const byAxis: Record<string, number> = {};
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
    byAxis[axis] = mean(taus);
    groups[axis] = taus.length;
  }
  const average = mean(Object.values(byAxis).filter((value) => !Number.isNaN(value)));
  return { byAxis, average, groups, excluded };
}

/** The names in `repeats`. */
export function requireRepeats(
  caller: string,
  repeats: string | readonly string[],
  axes: readonly string[],
  rows: readonly unknown[],
): readonly string[] {
  const repeated = typeof repeats === 'string' ? [repeats] : repeats;
  if (!Array.isArray(repeated) || repeated.some((name) => typeof name !== 'string'))
    throw new TypeError(`${caller}: repeats must be a name or an array of names, got ${repeats}`);
  const shared = repeated.find((name) => axes.includes(name));
  if (shared) throw new RangeError(`${caller}: '${shared}' is both an axis and a repeat; keep it in one of them`);
  for (const row of rows) for (const name of repeated) named(row, name, caller);
  return repeated;
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
