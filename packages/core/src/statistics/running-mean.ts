/** Mean and spread of a stream in constant memory and float64, by Welford's recurrence (Technometrics 4, 1962). */
export interface RunningMean {
  add(value: number): void;
  readonly count: number;
  /** NaN of nothing. */
  readonly mean: number;
  /** sqrt(Σ(x − mean)² / (n(n − 1))); NaN below two values, where it is unknown. */
  readonly standardError: number;
}

export function runningMean(): RunningMean {
  let count = 0;
  let mean = 0;
  let squares = 0;
  return {
    add(value) {
      count++;
      const deviation = value - mean;
      mean += deviation / count;
      squares += deviation * (value - mean);
    },
    get count() {
      return count;
    },
    get mean() {
      return count === 0 ? Number.NaN : mean;
    },
    get standardError() {
      return count < 2 ? Number.NaN : Math.sqrt(squares / count / (count - 1));
    },
  };
}
