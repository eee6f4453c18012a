import { sumOf } from './sum';

/** Arithmetic mean in float64; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  return sumOf(values.length, (i) => values[i]) / values.length;
}

/** The standard error of the mean of n independent values: `sqrt(Σ(x_i - mean)² / (n (n - 1)))`; NaN below two values. */
export function standardError(values: ArrayLike<number>): number {
  const n = values.length;
  const centre = mean(values);
  return Math.sqrt(sumOf(n, (i) => (values[i] - centre) ** 2) / (n - 1) / n);
}
