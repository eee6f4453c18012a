export interface KendallTau {
  /** (concordant - discordant) / (n (n-1) / 2) in -1..1, larger is better: tau of Jiang et al. 2019. NaN for n < 2. */
  readonly tauA: number;
  /** The same over sqrt of (pairs not tied in x) times (pairs not tied in y). NaN where x or y is constant. */
  readonly tauB: number;
  /** The number of points used. */
  readonly n: number;
  /** The number of pairs tied in x, in y or in both. */
  readonly ties: number;
  /** The number of points left out because x or y is not finite. */
  readonly excluded: number;
}

/**
 * Kendall's rank correlation, `2/(n(n-1)) Σ_{i<j} sgn(x_i - x_j) sgn(y_i - y_j)` (tau a; Kendall 1938) and corrected
 * for ties (tau b; Kendall 1945), in O(n log n) by counting the exchanges of a merge sort (Knight 1966).
 * With a measure as x and the gap as y larger is better: 1 orders all models as their gaps do, 0 not at all, -1 the other
 * way round. A point with a NaN or an infinity on either side is left out and counted.
 *
 * @throws TypeError for what is no array of numbers, RangeError for unequal lengths
 */
export function kendallTau(x: ArrayLike<number>, y: ArrayLike<number>): KendallTau {
  for (const given of [x, y] as unknown[])
    if (typeof given !== 'object' || typeof (given as ArrayLike<number> | null)?.length !== 'number')
      throw new TypeError(`kendallTau: x and y must be arrays of numbers, got ${given}`);
  if (x.length !== y.length)
    throw new RangeError(`kendallTau: x and y must have the same length, got ${x.length} and ${y.length}`);
  const order: number[] = [];
  for (let i = 0; i < x.length; i++) if (Number.isFinite(x[i]) && Number.isFinite(y[i])) order.push(i);
  const n = order.length;
  order.sort((i, j) => x[i] - x[j] || y[i] - y[j]);
  const sorted = Float64Array.from(order, (i) => y[i]);

  const pairs = (n * (n - 1)) / 2;
  const tiedX = tiedPairs(n, (a, b) => x[order[a]] === x[order[b]]);
  const tiedBoth = tiedPairs(n, (a, b) => x[order[a]] === x[order[b]] && sorted[a] === sorted[b]);
  const discordant = countExchanges(sorted);
  const tiedY = tiedPairs(n, (a, b) => sorted[a] === sorted[b]);

  const ties = tiedX + tiedY - tiedBoth;
  const excess = pairs - ties - 2 * discordant;
  return {
    tauA: excess / pairs,
    tauB: excess / Math.sqrt((pairs - tiedX) * (pairs - tiedY)),
    n,
    ties,
    excluded: x.length - n,
  };
}

/** The number of equal pairs in a sorted sequence of n, given which neighbours are equal. */
function tiedPairs(n: number, equal: (a: number, b: number) => boolean): number {
  let pairs = 0;
  let run = 0;
  for (let i = 1; i < n; i++) {
    run = equal(i - 1, i) ? run + 1 : 0;
    pairs += run;
  }
  return pairs;
}

/** Sorts `values` in place and returns the number of pairs that stood in the wrong order. */
function countExchanges(values: Float64Array): number {
  let exchanges = 0;
  const merged = new Float64Array(values.length);
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < values.length; start += 2 * width) {
      const middle = Math.min(start + width, values.length);
      const end = Math.min(start + 2 * width, values.length);
      let left = start;
      let right = middle;
      for (let k = start; k < end; k++) {
        if (left < middle && (right === end || values[left] <= values[right])) merged[k] = values[left++];
        else {
          exchanges += middle - left;
          merged[k] = values[right++];
        }
      }
    }
    values.set(merged);
  }
  return exchanges;
}
