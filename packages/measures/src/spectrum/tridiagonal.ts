export interface TridiagonalSpectrum {
  /** The eigenvalues, largest first. */
  readonly values: Float64Array;
  /** The first component of each unit eigenvector. */
  readonly first: Float64Array;
  /** The last component of each unit eigenvector. */
  readonly last: Float64Array;
}

/**
 * The eigenvalues of a symmetric tridiagonal matrix, and the ends of its eigenvectors, by QL iterations with implicit
 * Wilkinson shifts (Golub and Van Loan, section 8.3). `offDiagonal[i]` couples rows i and i + 1. O(n^2).
 */
export function tridiagonalSpectrum(diagonal: ArrayLike<number>, offDiagonal: ArrayLike<number>): TridiagonalSpectrum {
  const n = diagonal.length;
  const d = Float64Array.from(diagonal);
  const e = new Float64Array(n);
  for (let i = 0; i + 1 < n; i++) e[i] = offDiagonal[i];
  const first = new Float64Array(n);
  const last = new Float64Array(n);
  if (n > 0) first[0] = last[n - 1] = 1;

  // Beside the largest entry a coupling below this changes nothing, and its squares would be lost among denormal numbers.
  const largest = [...d, ...e].reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
  const negligible = Number.EPSILON ** 2 * largest + 1e-300;

  const rotate = (row: Float64Array, i: number, cosine: number, sine: number) => {
    const right = row[i + 1];
    row[i + 1] = sine * row[i] + cosine * right;
    row[i] = cosine * row[i] - sine * right;
  };
  /** The end of the unreduced block that starts at `start`. */
  const blockEnd = (start: number) => {
    let end = start;
    while (end + 1 < n && Math.abs(e[end]) > Number.EPSILON * (Math.abs(d[end]) + Math.abs(d[end + 1])) + negligible)
      end++;
    return end;
  };

  for (let start = 0; start < n; start++)
    for (let sweep = 0, end = blockEnd(start); end > start && sweep < 60; sweep++, end = blockEnd(start)) {
      const half = (d[start + 1] - d[start]) / (2 * e[start]);
      const root = Math.hypot(half, 1);
      let g = d[end] - d[start] + e[start] / (half + (half < 0 ? -root : root));
      let sine = 1;
      let cosine = 1;
      let p = 0;
      let i = end - 1;
      for (; i >= start; i--) {
        const f = sine * e[i];
        const b = cosine * e[i];
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[end] = 0;
          break;
        }
        sine = f / r;
        cosine = g / r;
        g = d[i + 1] - p;
        const t = (d[i] - g) * sine + 2 * cosine * b;
        p = sine * t;
        d[i + 1] = g + p;
        g = cosine * t - b;
        rotate(first, i, cosine, sine);
        rotate(last, i, cosine, sine);
      }
      if (i >= start) continue;
      d[start] -= p;
      e[start] = g;
      e[end] = 0;
    }

  const order = Array.from(d.keys()).sort((i, j) => d[j] - d[i]);
  return {
    values: Float64Array.from(order, (i) => d[i]),
    first: Float64Array.from(order, (i) => first[i]),
    last: Float64Array.from(order, (i) => last[i]),
  };
}
