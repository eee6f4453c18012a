import { squaredNorm } from '@qgen/core';
import { type BoundInput, consistentMagnitudeTerm, spreadTerm } from './pac-bayes';

/** |v|^2 ln(2 omega) / (4 alpha^2), v the reference. QGen's sharpness-init and -orig, after Jiang et al. 2019. */
export function sharpnessTerm({ reference }: BoundInput, alpha: number): number {
  return (squaredNorm(reference) * Math.log(2 * reference.length)) / (4 * alpha * alpha);
}

/**
 * 1/4 sum_i ln[(epsilon^2 + (alpha'^2 + 4 L) |v|^2 / omega) / (epsilon^2 + alpha'^2 d_i^2)], L = ln(2 omega / delta).
 * QGen's sharpness-mag-init and -orig, after Jiang et al. 2019.
 */
export function sharpnessMagnitudeTerm({ d, reference, epsilon }: BoundInput, alpha: number, delta: number): number {
  return spreadTerm(alpha * alpha + 4 * unionBound(d.length, delta), { d, reference, epsilon, scale: alpha });
}

/** |v|^2 L / (2 alpha^2): `pacBayesTerm` of the Gaussian whose entries all stay within alpha with probability 1 - delta. */
export function consistentSharpnessTerm({ reference }: BoundInput, alpha: number, delta: number): number {
  return (squaredNorm(reference) * unionBound(reference.length, delta)) / (2 * alpha * alpha);
}

/** `consistentMagnitudeTerm` of that Gaussian: sigma'^2 = alpha'^2 / (2 L). */
export function consistentSharpnessMagnitudeTerm(input: BoundInput, alpha: number, delta: number): number {
  return consistentMagnitudeTerm(input, alpha / Math.sqrt(2 * unionBound(input.w.length, delta)));
}

/** L = ln(2 omega / delta): P(max_i |u_i| > alpha) <= 2 omega exp(-alpha^2 / (2 sigma^2)) = delta. */
function unionBound(omega: number, delta: number): number {
  return Math.log((2 * omega) / delta);
}
