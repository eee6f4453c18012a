import type { Trial } from './results';

/** A claim of the paper held against the trials: what it says, what the numbers say, and whether they agree. */
export interface Finding {
  readonly claim: string;
  readonly verdict: 'shown' | 'shown in part' | 'not shown' | 'mixed' | 'contradicted';
  /** At which precisions. */
  readonly where: string;
  readonly evidence: string;
}

const label = (bits: number) => (bits === 32 ? 'FP32' : `Int${bits}`);
const list = (trials: readonly Trial[], value: (trial: Trial) => string) =>
  trials.map((trial) => `${label(trial.bits)} ${value(trial)}`).join(', ');

/**
 * Compares the quantized networks with the float one (or, where there is none, with the widest), each by itself. A
 * difference within twice its standard error counts as none. One training a precision says nothing about the spread
 * between trainings: that takes more seeds.
 */
export function findings(trials: readonly Trial[]): readonly Finding[] {
  const ordered = [...trials].sort((a, b) => b.bits - a.bits);
  if (ordered.length < 2) return [];
  const [reference, ...quantized] = ordered;

  const compare = (
    difference: (trial: Trial) => { value: number; standardError: number },
  ): { verdict: Finding['verdict']; where: string } => {
    const at = (wanted: number) =>
      quantized.filter((trial) => {
        const { value, standardError } = difference(trial);
        const sign = Number.isFinite(value) && Math.abs(value) > 2 * standardError ? Math.sign(value) : 0;
        return sign === wanted;
      });
    const [shown, none, opposite] = [at(1), at(0), at(-1)];
    const say = (what: string, where: readonly Trial[]) =>
      where.length ? [`${what} ${where.map(({ bits }) => label(bits)).join(', ')}`] : [];
    const where = [
      ...say('holds at', shown),
      ...say('no difference beyond its error at', none),
      ...say('the opposite at', opposite),
    ].join('; ');
    if (shown.length && opposite.length) return { verdict: 'mixed', where };
    if (shown.length) return { verdict: none.length ? 'shown in part' : 'shown', where };
    return { verdict: opposite.length ? 'contradicted' : 'not shown', where };
  };
  /** Differences of logarithms of two scales, with the standard error that their 95 % intervals give. */
  const flatter = (key: 'sigma' | 'sigmaMagnitude') =>
    compare((trial) => ({
      value: Math.log(trial[key].value ?? Number.NaN) - Math.log(reference[key].value ?? Number.NaN),
      standardError: Math.hypot(logError(trial[key]), logError(reference[key])),
    }));
  // All severities see the same images, so that the mean of the standard errors bounds that of the mean.
  const onDistorted = (trial: Trial, key: 'gap' | 'gapStandardError') =>
    trial.corruptions.reduce((sum, cell) => sum + cell[key], 0) / trial.corruptions.length;

  return [
    {
      claim: 'Quantization narrows the generalization gap',
      ...compare((trial) => ({
        value: reference.gap.loss - trial.gap.loss,
        standardError: Math.hypot(reference.gap.standardError, trial.gap.standardError),
      })),
      evidence: `gap (test − train loss): ${list(ordered, ({ gap }) => `${gap.loss.toFixed(4)} ± ${gap.standardError.toFixed(4)}`)}`,
    },
    {
      claim: 'Quantized networks lie in flatter minima (larger σ)',
      ...flatter('sigma'),
      evidence: `σ: ${list(ordered, ({ sigma }) => scaleText(sigma))}`,
    },
    {
      claim: 'They do so relative to the size of their weights too (larger σ′)',
      ...flatter('sigmaMagnitude'),
      evidence: `σ′: ${list(ordered, ({ sigmaMagnitude }) => scaleText(sigmaMagnitude))}`,
    },
    {
      claim: 'The gap stays narrower on distorted images',
      ...compare((trial) => ({
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
