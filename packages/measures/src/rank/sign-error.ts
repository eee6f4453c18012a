import { mean, requireNotNegative } from '@qgen/core';
import { groupBySettings, type Point, type PoolOptions, readPool, requirePoolOptions } from './pool';

export interface SignErrorOptions<Row> extends PoolOptions<Row> {
  /** The number of test examples behind each gap; 0 or absent: every pair of models counts alike. */
  readonly testExamples?: number;
  /**
   * Environments of a smaller effective sample size (Σ w)² / Σ w² are left out. The official code takes 12, which one
   * training for each setting never reaches: that is an effective sample size of 1. 0, none left out, unless said.
   */
  readonly minEffectiveSampleSize?: number;
}

export interface SignError {
  /** The number of environments behind the numbers. */
  readonly environments: number;
  /** The number of environments that some pair has weight in, and that `minEffectiveSampleSize` left out. */
  readonly leftOut: number;
  /** Mean, 90th percentile and maximum of the environments' errors, in 0..1: smaller is better, 0.5 is a coin; null without any. */
  readonly mean: number | null;
  readonly p90: number | null;
  readonly max: number | null;
  /** The mean over the environments of each axis; null where an axis has none. */
  readonly meanByAxis: Readonly<Record<string, number | null>>;
  /** (Σ w)² / Σ w² over the pairs of models of all those environments: how many full-weight pairs the numbers rest on. */
  readonly effectiveSampleSize: number;
  /** Rows left out because their measure or gap is missing, not finite, or of a search without an estimate. */
  readonly excluded: number;
}

/**
 * The robust sign error (Dziugaite et al. 2020, section 4): an environment is a pair of settings that differ in one
 * axis, its error the weighted mean over pairs of models, one of each, of `(1 - sgn(Δmu) sgn(Δgap)) / 2`. A pair weighs
 * `(h - 1/2)+` with `h = max(0, 1 - 2 exp(-2 n (|Δgap|/2)^2))^2`, Hoeffding's assurance that `n` test examples got the
 * order of the two gaps right. Smaller is better: 0 orders every pair as the gap does, 1 none, and 1/2 is a coin. The
 * 90th percentile and the maximum show what a mean hides: a predictor must work in every environment. Without an
 * environment left every statistic is null.
 *
 * @throws TypeError for rows, axes or fields of another form, RangeError for an unknown option, a number below 0, or a
 * field that a row does not have
 */
export function signError<Row>(rows: readonly Row[], options: SignErrorOptions<Row>): SignError {
  const caller = 'signError';
  requirePoolOptions(caller, options, ['testExamples', 'minEffectiveSampleSize']);
  const { axes, testExamples = 0, minEffectiveSampleSize = 0 } = options;
  requireNotNegative(caller, { testExamples, minEffectiveSampleSize });
  const { points, excluded } = readPool(rows, options, caller);

  const errors: number[] = [];
  const meanByAxis: Record<string, number | null> = {};
  let leftOut = 0;
  let weights = 0;
  let squaredWeights = 0;
  for (const [i, axis] of axes.entries()) {
    const ofAxis: number[] = [];
    for (const [a, b] of environments(points, axes, i)) {
      let weighted = 0;
      let total = 0;
      let squares = 0;
      for (const p of a)
        for (const q of b) {
          const weight = testExamples > 0 ? assurance(p.gap - q.gap, testExamples) : 1;
          weighted += (weight * (1 - Math.sign(p.measure - q.measure) * Math.sign(p.gap - q.gap))) / 2;
          total += weight;
          squares += weight * weight;
        }
      if (total === 0) continue;
      // Twelve full pairs are 12 up to rounding; the official code compares as loosely.
      if (total ** 2 / squares < minEffectiveSampleSize * (1 - 1e-5)) {
        leftOut++;
        continue;
      }
      weights += total;
      squaredWeights += squares;
      ofAxis.push(weighted / total);
    }
    meanByAxis[axis] = meanOrNull(ofAxis);
    errors.push(...ofAxis);
  }
  errors.sort((a, b) => a - b);
  return {
    environments: errors.length,
    leftOut,
    mean: meanOrNull(errors),
    p90: quantile(errors, 0.9),
    max: errors.at(-1) ?? null,
    meanByAxis,
    effectiveSampleSize: squaredWeights > 0 ? weights ** 2 / squaredWeights : 0,
    excluded,
  };
}

/** The pairs of settings that differ in axis `i` alone, each with its models. */
function environments(points: readonly Point[], axes: readonly string[], i: number): [Point[], Point[]][] {
  const others = axes.map((_, position) => position).filter((position) => position !== i);
  return groupBySettings(points, others).flatMap((group) => {
    const settings = groupBySettings(group, [i]);
    return settings.flatMap((a, k) => settings.slice(k + 1).map((b): [Point[], Point[]] => [a, b]));
  });
}

/** (h - 1/2)+, from 0 where the order of the two gaps is a guess to 1/2 where it is certain. */
function assurance(gapDifference: number, testExamples: number): number {
  const h = Math.max(0, 1 - 2 * Math.exp(-2 * testExamples * (gapDifference / 2) ** 2)) ** 2;
  return Math.max(0, h - 0.5);
}

const meanOrNull = (values: readonly number[]): number | null => (values.length > 0 ? mean(values) : null);

/** The quantile of sorted values, with linear interpolation between neighbours. */
function quantile(sorted: readonly number[], q: number): number | null {
  if (sorted.length === 0) return null;
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
