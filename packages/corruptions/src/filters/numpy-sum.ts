/** A sum in numpy's order: eight sums side by side, of parts of at most 128. */
export function numpySum(values: Float64Array): number {
  const n = values.length;
  if (n > 128) {
    const half = 8 * Math.floor(n / 16);
    return numpySum(values.subarray(0, half)) + numpySum(values.subarray(half));
  }
  const whole = n - (n % 8);
  const sums = new Float64Array(8);
  for (let i = 0; i < whole; i++) sums[i % 8] += values[i];
  const [a, b, c, d, e, f, g, h] = sums as unknown as readonly number[];
  let sum = a + b + (c + d) + (e + f + (g + h));
  for (let i = whole; i < n; i++) sum += values[i];
  return sum;
}
