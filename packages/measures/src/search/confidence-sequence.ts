/** Tells on which side of a target the mean of draws lies, at any time and as often as one likes. */
export interface ConfidenceSequence {
  /** Takes one more draw in [-1, 1]: -1 or 1 once the mean is surely below or above `target`, else 0. */
  side(draw: number, target: number): number;
}

/**
 * The predictable plug-in empirical-Bernstein confidence sequence of Waudby-Smith & Ramdas, "Estimating means of bounded
 * random variables by betting" (2024), theorem 2: for x_i in [0, 1],
 *
 *     C_t = sum lambda_i x_i / sum lambda_i +- (ln(2 / alpha) + sum v_i psi(lambda_i)) / sum lambda_i,
 *     v_i = 4 (x_i - mean_{i-1})^2,   psi(l) = (-ln(1 - l) - l) / 4,
 *     lambda_t = min(1/2, sqrt(2 ln(2 / alpha) / (variance_{t-1} t ln(1 + t))))
 *
 * holds the mean at all t together with probability 1 - alpha. Draws of a drop in [-1, 1] are mapped to [0, 1].
 */
export function confidenceSequence(alpha: number): ConfidenceSequence {
  const log = Math.log(2 / alpha);
  // The plug-in mean and variance start from one imagined draw at 1/2 with variance 1/4, as the paper does.
  let [t, sum, squares] = [0, 0.5, 0.25];
  let [weights, weighted, penalty] = [0, 0, 0];
  return {
    side(draw, target) {
      const x = (draw + 1) / 2;
      const mean = sum / (t + 1);
      const variance = squares / (t + 1);
      t++;
      const lambda = Math.min(0.5, Math.sqrt((2 * log) / (variance * t * Math.log(1 + t))));
      weights += lambda;
      weighted += lambda * x;
      penalty += 4 * (x - mean) ** 2 * ((-Math.log(1 - lambda) - lambda) / 4);
      sum += x;
      squares += (x - sum / (t + 1)) ** 2;
      const radius = (log + penalty) / weights;
      const distance = weighted / weights - (target + 1) / 2;
      return Math.abs(distance) > radius ? Math.sign(distance) : 0;
    },
  };
}
