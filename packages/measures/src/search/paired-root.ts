import { studentFactor } from '@qgen/core';

/** Accuracy lost by draws of noise that alternate between two scales, exp(centre - spread) first and exp(centre + spread). */
export interface AlternatingDrops {
  readonly centre: number;
  readonly spread: number;
  readonly drops: ArrayLike<number>;
}

/** A number and half its 95 % interval. */
export interface Estimate {
  readonly value: number;
  readonly halfWidth: number;
}

/**
 * ln of the scale at which the power law through the mean drops at the two scales passes the target:
 *
 *     x = centre - spread + 2 spread ln(target / low) / ln(high / low)
 *
 * NaN where the means don't rise, or one of them is not above 0.
 *
 * @param without the pair of draws (one at each scale) to leave out
 */
function rootOf({ centre, spread, drops }: AlternatingDrops, target: number, without: number): number {
  let [low, high] = [0, 0];
  for (let pair = 0; 2 * pair < drops.length; pair++) {
    if (pair === without) continue;
    low += drops[2 * pair]!;
    high += drops[2 * pair + 1]!;
  }
  const count = drops.length / 2 - (without < 0 ? 0 : 1);
  if (!(low > 0 && high > low)) return Number.NaN;
  return centre - spread + (2 * spread * Math.log((target * count) / low)) / Math.log(high / low);
}

/** The estimate of one root, by the jackknife over pairs of draws. */
export function estimateRoot(drops: AlternatingDrops, target: number): Estimate {
  return jackknife(drops.drops.length / 2, (without) => rootOf(drops, target, without));
}

/**
 * The estimate of b's root minus a's. Draw k of both is the same noise on the same examples: a pair of draws is left out
 * of both at once, so that what they have in common does not widen the interval. Where they have nothing in common it is
 * the interval of two independent searches.
 */
export function estimateDifference(a: AlternatingDrops, b: AlternatingDrops, target: number): Estimate {
  return jackknife(a.drops.length / 2, (without) => rootOf(b, target, without) - rootOf(a, target, without));
}

/**
 * The delete-one jackknife (Efron 1982, chapter 3): variance (n - 1)/n Σ (t_(-i) - mean)^2 of a statistic t of n
 * independent groups, with Student's t of n - 1 degrees of freedom for the interval.
 *
 * @param statistic of all groups but one, or of all for -1
 */
function jackknife(groups: number, statistic: (without: number) => number): Estimate {
  const values = Array.from({ length: groups }, (_, group) => statistic(group));
  const centre = values.reduce((sum, value) => sum + value, 0) / groups;
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  const standardError = Math.sqrt(((groups - 1) / groups) * squares);
  return { value: statistic(-1), halfWidth: studentFactor(groups - 1) * standardError };
}
