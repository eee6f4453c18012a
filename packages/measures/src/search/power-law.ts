/** One draw: x = ln scale, and the accuracy it cost. */
export interface DropAt {
  readonly x: number;
  readonly drop: number;
}

/** drop(x) = target exp(slope (x - root)). */
export interface PowerLaw {
  readonly root: number;
  readonly slope: number;
  /** Half of the 95 % interval of `root`; Infinity where the draws don't determine it. */
  readonly halfWidth: number;
}

/**
 * The exponents that accuracy curves have; a draw or two can't carry the fit out of them. Near 2 for most nets; 0.5 for
 * the latent weights of a 2-bit net, which lie on rounding boundaries.
 */
const LEAST_SLOPE = 0.2;
const MOST_SLOPE = 4;
/** A weak prior: noise variance grows with scale^2. */
const PRIOR_SLOPE = 2;
const PRIOR_DEVIATION = 1;
/**
 * The root of drop(scale) = target from noisy draws near it, by Gauss-Newton least squares of a power law. A power law
 * because the drop is convex where it is small: a straight line is biased, and its interval misses the root half the
 * time. Draws are weighted as counts are, variance in proportion to the drop; how large it is comes from the residuals,
 * so that it holds the spread between draws of noise as well as between examples.
 */
export function fitPowerLaw(
  points: readonly DropAt[],
  target: number,
  start: { readonly root: number; readonly slope: number },
): PowerLaw {
  // The root stays among the draws: beyond them a few zeros in a row would carry it off.
  const xs = points.map(({ x }) => x);
  const [lowest, highest] = [Math.min(...xs), Math.max(...xs)];
  let { root, slope } = start;
  let standardError = Number.POSITIVE_INFINITY;
  for (let iteration = 0; iteration < 30; iteration++) {
    // Normal equations of the residuals r = (drop - f) / sqrt(f), f = target exp(slope (x - root)).
    let [aa, ab, bb, ra, rb, rr] = [0, 0, 0, 0, 0, 0];
    for (const { x, drop } of points) {
      const t = x - root;
      const f = target * Math.exp(slope * t);
      const spread = Math.sqrt(Math.max(f, target / 8));
      const [a, b, r] = [(-slope * f) / spread, (t * f) / spread, (drop - f) / spread];
      aa += a * a;
      ab += a * b;
      bb += b * b;
      ra += a * r;
      rb += b * r;
      rr += r * r;
    }
    const variance = Math.max(rr / Math.max(1, points.length - 2), 1e-12);
    bb += variance / PRIOR_DEVIATION ** 2;
    rb += (variance * (PRIOR_SLOPE - slope)) / PRIOR_DEVIATION ** 2;
    const determinant = aa * bb - ab * ab;
    if (!(determinant > 0)) return { root, slope, halfWidth: Number.POSITIVE_INFINITY };
    const nextRoot = clamp(root + clamp((bb * ra - ab * rb) / determinant, -0.5, 0.5), lowest, highest);
    const nextSlope = clamp(slope + (aa * rb - ab * ra) / determinant, LEAST_SLOPE, MOST_SLOPE);
    standardError = Math.sqrt((variance * bb) / determinant);
    const moved = Math.abs(nextRoot - root) + Math.abs(nextSlope - slope);
    root = nextRoot;
    slope = nextSlope;
    if (moved < 1e-7) break;
  }
  return { root, slope, halfWidth: studentFactor(points.length - 2) * standardError };
}

/** The 97.5 % point of Student's t, within 0.02 from 4 degrees of freedom up. */
export function studentFactor(freedom: number): number {
  return freedom < 1 ? Number.POSITIVE_INFINITY : 1.96 + 2.4 / freedom + 3 / freedom ** 2;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
