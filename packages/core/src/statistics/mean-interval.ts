import { mean, standardError } from './mean';

/** The mean of independent draws, and what their scatter leaves open. */
export interface MeanInterval {
  readonly mean: number;
  /** s / sqrt(n); NaN for one draw. */
  readonly standardError: number;
  /** Half of Student's 95 % interval: t s / sqrt(n) with n - 1 degrees of freedom. NaN for one draw. */
  readonly halfWidth: number;
}

/** Student 1908. Right for normal draws at any number of them; for skewed ones as their number grows. */
export function meanInterval(values: ArrayLike<number>): MeanInterval {
  const n = values.length;
  const error = standardError(values);
  return { mean: mean(values), standardError: error, halfWidth: studentFactor(n - 1) * error };
}

/** Of 1 to 4 degrees of freedom, where the series is not good enough. */
const FEW = [12.7062, 4.30265, 3.18245, 2.77645];

/**
 * The 97.5 % point of Student's t: the expansion in 1 / freedom of Abramowitz & Stegun 26.7.5, within 0.0005 from five
 * degrees of freedom up, and a table below that. Infinity for none.
 */
export function studentFactor(freedom: number): number {
  if (freedom < 1) return Number.POSITIVE_INFINITY;
  const known = FEW[freedom - 1];
  if (known !== undefined) return known;
  const z = 1.959964;
  const z2 = z * z;
  const terms = [
    (z * (z2 + 1)) / 4,
    (z * ((5 * z2 + 16) * z2 + 3)) / 96,
    (z * (((3 * z2 + 19) * z2 + 17) * z2 - 15)) / 384,
    (z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945)) / 92160,
  ];
  return terms.reduce((sum, term, k) => sum + term / freedom ** (k + 1), z);
}
