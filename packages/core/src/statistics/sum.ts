/**
 * Sum of f(0) + … + f(n - 1) in float64 with Neumaier's compensation: the error does not grow with n.
 * Nothing sums to 0.
 */
export function sumOf(n: number, f: (i: number) => number): number {
  let sum = 0;
  let lost = 0;
  for (let i = 0; i < n; i++) {
    const term = f(i);
    const next = sum + term;
    lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum;
    sum = next;
  }
  return sum + lost;
}

/** |v|^2. */
export function squaredNorm(v: ArrayLike<number>): number {
  return sumOf(v.length, (i) => v[i] * v[i]);
}
