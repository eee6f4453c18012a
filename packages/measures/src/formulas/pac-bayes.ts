import { squaredNorm, sumOf } from '@qgen/core';

/**
 * The input of the formulas. `d = w - w0`; `reference` is d for the measures named `init` and w for those named `orig`;
 * `epsilon` is the floor of magnitude-aware noise.
 */
export interface BoundInput {
  readonly w: ArrayLike<number>;
  readonly d: ArrayLike<number>;
  readonly reference: ArrayLike<number>;
  readonly epsilon: number;
}

/**
 * |v|^2 / (4 sigma^2): half the Kullback-Leibler divergence of N(w, sigma^2 I) from a prior of the same width at
 * w - v. Dziugaite et al. 2020 (PACBAYES_INIT, PACBAYES_ORIG), QGen's pac-bayes-init and -orig.
 */
export function pacBayesTerm(v: ArrayLike<number>, sigma: number): number {
  return squaredNorm(v) / (4 * sigma * sigma);
}

/**
 * 1/4 sum_i ln[(epsilon^2 + (sigma'^2 + 1) |v|^2 / omega) / (epsilon^2 + sigma'^2 d_i^2)], v the reference.
 * QGen's pac-bayes-mag-init and -orig; the denominator holds d for both, as the official code and QGen's table do.
 */
export function pacBayesMagnitudeTerm({ d, reference, epsilon }: BoundInput, sigma: number): number {
  return spreadTerm(sigma * sigma + 1, { d, reference, epsilon, scale: sigma });
}

/**
 * The divergence of the noise that is really injected, N(w, diag(sigma'^2 w_i^2 + epsilon^2)), from the best prior of
 * one width at w - v:
 * 1/4 sum_i ln[(epsilon^2 + (sigma'^2 |w|^2 + |v|^2) / omega) / (epsilon^2 + sigma'^2 w_i^2)].
 */
export function consistentMagnitudeTerm({ w, reference, epsilon }: BoundInput, sigma: number): number {
  const spread = epsilon * epsilon + (sigma * sigma * squaredNorm(w) + squaredNorm(reference)) / w.length;
  return logRatios(spread, w, { epsilon, scale: sigma });
}

/** 1/4 sum_i ln[(epsilon^2 + factor |v|^2 / omega) / (epsilon^2 + scale^2 d_i^2)]. */
export function spreadTerm(
  factor: number,
  { d, reference, epsilon, scale }: Omit<BoundInput, 'w'> & { readonly scale: number },
): number {
  return logRatios(epsilon * epsilon + (factor * squaredNorm(reference)) / d.length, d, { epsilon, scale });
}

function logRatios(
  numerator: number,
  v: ArrayLike<number>,
  { epsilon, scale }: { readonly epsilon: number; readonly scale: number },
): number {
  return sumOf(v.length, (i) => Math.log(numerator / (epsilon * epsilon + scale * scale * v[i] * v[i]))) / 4;
}
