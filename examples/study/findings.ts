import type { Trial } from './results';

/** A claim of the paper held against the trials: what it says, what the numbers say, and whether they agree. */
export interface Finding {
  readonly claim: string;
  readonly verdict: 'shown' | 'not shown' | 'contradicted';
  readonly evidence: string;
}

const label = (bits: number) => (bits === 32 ? 'FP32' : `Int${bits}`);
const list = (trials: readonly Trial[], value: (trial: Trial) => string) =>
  trials.map((trial) => `${label(trial.bits)} ${value(trial)}`).join(', ');

/**
 * Compares the quantized networks with the float one (or, where there is none, with the widest). A difference within
 * twice its standard error counts as not shown; the verdict follows the majority of the precisions.
 */
export function findings(trials: readonly Trial[]): readonly Finding[] {
  const ordered = [...trials].sort((a, b) => b.bits - a.bits);
  if (ordered.length < 2) return [];
  const [reference, ...quantized] = ordered;

  const against = (difference: (trial: Trial) => { value: number; standardError: number }): Finding['verdict'] => {
    const signs = quantized.map((trial) => {
      const { value, standardError } = difference(trial);
      return Number.isFinite(value) && Math.abs(value) > 2 * standardError ? Math.sign(value) : 0;
    });
    const shown = signs.filter((sign) => sign > 0).length;
    const contradicted = signs.filter((sign) => sign < 0).length;
    if (shown > quantized.length / 2) return 'shown';
    return contradicted > quantized.length / 2 ? 'contradicted' : 'not shown';
  };
  /** Differences of logarithms of two scales, with the standard error that their 95 % intervals give. */
  const flatter = (key: 'sigma' | 'sigmaMagnitude') =>
    against((trial) => ({
      value: Math.log(trial[key].value ?? Number.NaN) - Math.log(reference[key].value ?? Number.NaN),
      standardError: Math.hypot(logError(trial[key]), logError(reference[key])),
    }));
  // All severities see the same images, so that the mean of the standard errors bounds that of the mean.
  const onDistorted = (trial: Trial, key: 'gap' | 'gapStandardError') =>
    trial.corruptions.reduce((sum, cell) => sum + cell[key], 0) / trial.corruptions.length;

  return [
    {
      claim: 'Quantization narrows the generalization gap',
      verdict: against((trial) => ({
        value: reference.gap.loss - trial.gap.loss,
        standardError: Math.hypot(reference.gap.standardError, trial.gap.standardError),
      })),
      evidence: `gap (test − train loss): ${list(ordered, ({ gap }) => `${gap.loss.toFixed(4)} ± ${gap.standardError.toFixed(4)}`)}`,
    },
    {
      claim: 'Quantized networks lie in flatter minima (larger σ)',
      verdict: flatter('sigma'),
      evidence: `σ: ${list(ordered, ({ sigma }) => scaleText(sigma))}`,
    },
    {
      claim: 'They do so relative to the size of their weights too (larger σ′)',
      verdict: flatter('sigmaMagnitude'),
      evidence: `σ′: ${list(ordered, ({ sigmaMagnitude }) => scaleText(sigmaMagnitude))}`,
    },
    {
      claim: 'The gap stays narrower on distorted images',
      verdict: against((trial) => ({
        value: onDistorted(reference, 'gap') - onDistorted(trial, 'gap'),
        standardError: Math.hypot(onDistorted(reference, 'gapStandardError'), onDistorted(trial, 'gapStandardError')),
      })),
      evidence: `mean gap over the distortions: ${list(ordered, (trial) => `${onDistorted(trial, 'gap').toFixed(4)} ± ${onDistorted(trial, 'gapStandardError').toFixed(4)}`)}`,
    },
  ];
}

export function scaleText({ value, interval, status }: Trial['sigma']): string {
  if (value === null) return status;
  const half = interval ? ` ± ${(((interval[1] - interval[0]) / 2 / value) * 100).toFixed(0)} %` : '';
  return `${value.toPrecision(3)}${half}${status === 'converged' ? '' : ` (${status})`}`;
}

function logError({ interval }: Trial['sigma']): number {
  return interval ? Math.log(interval[1] / interval[0]) / (2 * 1.96) : Number.POSITIVE_INFINITY;
}
