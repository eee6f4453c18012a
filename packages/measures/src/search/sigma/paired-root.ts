import { standardError, studentFactor } from '@qgen/core';

/** Draws come in groups of this many: one at exp(centre - spread), one at exp(centre + spread), the others at exp(centre). */
export const GROUP = 8;

/** Where draw k is made, in units of the spread. */
export function sideOf(draw: number): -1 | 0 | 1 {
  const place = draw % GROUP;
  if (place === 0) return -1;
  return place === GROUP / 2 ? 1 : 0;
}

/** Accuracy lost by whole groups of draws of noise around one scale. */
export interface GroupedDrops {
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
 * ln of the scale at which the mean drop passes the target: from the mean drop at the centre along a power law whose slope
 * is that of the mean drops on either side,
 *
 *     x = centre + ln(target / middle) / slope,   slope = ln(high / low) / (2 spread)
 *
 * The centre is near the root, so that an error of the slope, or the bend of the curve between the sides, hardly matters.
 * NaN where the means don't rise, or one of them is not above 0.
 *
 * @param without the group of draws to leave out
 */
function rootOf({ centre, spread, drops }: GroupedDrops, target: number, without: number): number {
  let [low, middle, high] = [0, 0, 0];
  for (let k = 0; k < drops.length; k++) {
    if (Math.floor(k / GROUP) === without) continue;
    const side = sideOf(k);
    if (side < 0) low += drops[k];
    else if (side > 0) high += drops[k];
    else middle += drops[k] / (GROUP - 2);
  }
  const groups = drops.length / GROUP - (without < 0 ? 0 : 1);
  if (!(low > 0 && high > low && middle > 0)) return Number.NaN;
  return centre + (2 * spread * Math.log((target * groups) / middle)) / Math.log(high / low);
}

/** The estimate of one root, by the jackknife over groups of draws. */
export function estimateRoot(drops: GroupedDrops, target: number): Estimate {
  return jackknife(drops.drops.length / GROUP, (without) => rootOf(drops, target, without));
}

/**
 * The estimate of b's root minus a's. Draw k of both is the same noise on the same examples: a group of draws is left
 * out of both at once, so that what they have in common does not widen the interval. Where they have nothing in common it is
 * the interval of two independent searches.
 */
export function estimateDifference(a: GroupedDrops, b: GroupedDrops, target: number): Estimate {
  return jackknife(a.drops.length / GROUP, (without) => rootOf(b, target, without) - rootOf(a, target, without));
}

/**
 * The delete-one jackknife (Efron 1982, chapter 3): variance (n - 1)/n Σ (t_(-i) - mean)^2 of a statistic t of n
 * independent groups, the square of n - 1 standard errors of the t_(-i), with Student's t of n - 1 degrees of freedom for
 * the interval.
 *
 * @param statistic of all groups but one, or of all for -1
 */
function jackknife(groups: number, statistic: (without: number) => number): Estimate {
  const values = Array.from({ length: groups }, (_, group) => statistic(group));
  return { value: statistic(-1), halfWidth: studentFactor(groups - 1) * (groups - 1) * standardError(values) };
}
