import { mean, studentFactor } from '@qgen/core';

/** One draw: x = ln scale, and the accuracy it cost. */
export interface DropAt {
  readonly x: number;
  readonly drop: number;
}

/** drop(x) = target exp(slope (x - root)). */
export interface PowerLaw {
  readonly root: number;
  readonly slope: number;
  /** Standard error of `slope`. */
  readonly slopeError: number;
  /** Half of the 95 % interval of `root`; Infinity where the draws don't determine it. */
  readonly halfWidth: number;
  /** Variance of a draw over its mean. */
  readonly dispersion: number;
}

/** Exponents of accuracy curves lie far within these. */
const LEAST_SLOPE = 0.1;
const MOST_SLOPE = 10;
/**
 * A weak prior: the variance of noise grows with scale^2. Measured exponents lie between 0.5 (latent weights of a 2-bit
 * net, which lie on rounding boundaries) and 4.
 */
export const PRIOR_SLOPE = 2;
const PRIOR_DEVIATION = 2;
/** The most that ln(drop / target) may be at the centre of the draws: zeros alone would send it to minus infinity. */
const MOST_LOG = 5;

/**
 * The root of drop(scale) = target and the slope of the drop there, from noisy draws near it: quasi-likelihood of a power
 * law (Wedderburn 1974). The variance is in proportion to the mean, as for counts, with the factor that Pearson's residuals
 * give, so that it holds the spread between draws of noise as well as between examples. The quasi-likelihood is concave in
 * both parameters, so Newton's steps have one place to go; a draw with a negative drop does no harm.
 */
export function fitPowerLaw(
  points: readonly DropAt[],
  target: number,
  start: { readonly root: number; readonly slope: number },
): PowerLaw {
  // The root stays among the draws: beyond them a few zeros in a row would carry it off.
  const xs = points.map(({ x }) => x);
  const [lowest, highest] = [Math.min(...xs), Math.max(...xs)];
  const centre = mean(xs);
  // ln(drop / target) = level + slope (x - centre)
  let { slope } = start;
  let level = slope * (centre - start.root);
  let [slopeVariance, rootVariance] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let dispersion = Number.POSITIVE_INFINITY;
  for (let iteration = 0; iteration < 50; iteration++) {
    let [gl, gs, ll, ls, ss, chi2] = [0, 0, 0, 0, 0, 0];
    for (const { x, drop } of points) {
      const u = x - centre;
      const f = target * Math.exp(level + slope * u);
      const residual = drop - f;
      gl += residual;
      gs += residual * u;
      ll += f;
      ls += f * u;
      ss += f * u * u;
      chi2 += residual ** 2 / Math.max(f, target / 8);
    }
    dispersion = Math.max(chi2 / Math.max(1, points.length - 2), 1e-12);
    gs += (dispersion * (PRIOR_SLOPE - slope)) / PRIOR_DEVIATION ** 2;
    ss += dispersion / PRIOR_DEVIATION ** 2;
    const determinant = ll * ss - ls * ls;
    const nextLevel = clamp(level + clamp((ss * gl - ls * gs) / determinant, -1, 1), -MOST_LOG, MOST_LOG);
    const nextSlope = clamp(slope + clamp((ll * gs - ls * gl) / determinant, -1, 1), LEAST_SLOPE, MOST_SLOPE);
    const moved = Math.abs(nextLevel - level) + Math.abs(nextSlope - slope);
    [level, slope] = [nextLevel, nextSlope];
    // root = centre - level / slope, to first order in both.
    const offset = -level / slope;
    slopeVariance = (dispersion * ll) / determinant;
    rootVariance = (dispersion * (ss - 2 * offset * ls + offset * offset * ll)) / determinant / slope ** 2;
    if (moved < 1e-8) break;
  }
  return {
    root: clamp(centre - level / slope, lowest, highest),
    slope,
    slopeError: Math.sqrt(slopeVariance),
    halfWidth: studentFactor(points.length - 2) * Math.sqrt(rootVariance),
    dispersion,
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
