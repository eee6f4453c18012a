import { type CorruptionError, corruptionErrors, mean } from './corruption-error';
import { reportMarkdown } from './report-markdown';
import { CORRUPTIONS, type CorruptionName, type Preset } from './severities';

/** Means over the images of one test set, with their standard errors (s/√n; NaN for a single image). */
export interface Estimate {
  readonly examples: number;
  /** Mean cross-entropy, nats. */
  readonly loss: number;
  readonly lossStandardError: number;
  /** Top-1, in 0..1. */
  readonly accuracy: number;
  readonly accuracyStandardError: number;
}

/** QGen's generalization gap: test loss − clean training loss, in nats. Absent where no training loss was given. */
export interface Gap {
  readonly gap?: number;
  /** sqrt(SE_test² + SE_train²). */
  readonly gapStandardError?: number;
}

export interface CorruptionResult extends Estimate, Gap {
  readonly corruption: CorruptionName;
  readonly severity: number;
}

/** One corruption, averaged over its severities. */
export interface CorruptionSummary extends CorruptionError, Gap {
  readonly loss: number;
}

/**
 * All corruptions of the benchmark that were evaluated, averaged; the validation corruptions stay out. The standard
 * errors of averages are means of standard errors: every severity sees the same images, so the errors are correlated,
 * and the mean is an upper bound, met at full correlation.
 */
export interface OverallSummary extends Gap {
  readonly corruptions: number;
  readonly severities: readonly number[];
  /** Whether these are all 15 corruptions at all 5 severities, as published figures are. */
  readonly complete: boolean;
  /** Mean error over corruptions and severities, not normalized, in 0..1. */
  readonly meanError: number;
  /** meanError − clean error. */
  readonly meanErrorIncrease: number;
  /** Mean of CE_c, each normalized by AlexNet's error: 1 is AlexNet. Only for 'imagenet-c'. */
  readonly mCE?: number;
  /** Mean of the relative CE_c. Only for 'imagenet-c'. */
  readonly relativeMCE?: number;
}

export interface CorruptionReportData {
  readonly preset: Preset;
  readonly source: string;
  readonly seed: number;
  readonly trainLoss?: number;
  readonly clean: Estimate & Gap;
  readonly results: readonly CorruptionResult[];
  readonly summary: readonly CorruptionSummary[];
  /** Absent where only validation corruptions were evaluated. */
  readonly overall?: OverallSummary;
}

export interface CorruptionReport extends CorruptionReportData {
  toJSON(): CorruptionReportData;
  toMarkdown(): string;
}

interface Measured {
  readonly preset: Preset;
  readonly source: string;
  readonly seed: number;
  readonly clean: Estimate;
  readonly results: readonly (Estimate & { readonly corruption: CorruptionName; readonly severity: number })[];
  readonly trainLoss?: number | { readonly loss: number; readonly standardError: number };
}

/** Adds gaps, averages and corruption errors to what was measured. */
export function reportOf({ preset, source, seed, clean, results: measured, trainLoss }: Measured): CorruptionReport {
  const train = typeof trainLoss === 'number' ? { loss: trainLoss, standardError: 0 } : trainLoss;
  const withGap = <T extends Estimate>(estimate: T): T & Gap =>
    train === undefined
      ? estimate
      : {
          ...estimate,
          gap: estimate.loss - train.loss,
          gapStandardError: Math.hypot(estimate.lossStandardError, train.standardError),
        };
  const results = measured.map(withGap);
  const summary = corruptionErrors(
    results.map(({ corruption, severity, accuracy }) => ({ corruption, severity, error: 1 - accuracy })),
    1 - clean.accuracy,
    { normalization: preset === 'imagenet-c' ? 'alexnet' : 'none' },
  ).map((error) => {
    const own = results.filter(({ corruption }) => corruption === error.corruption);
    return { ...error, loss: mean(own.map(({ loss }) => loss)), ...meanGap(own) };
  });
  const data: CorruptionReportData = {
    preset,
    source,
    seed,
    ...(train && { trainLoss: train.loss }),
    clean: withGap(clean),
    results,
    summary,
    ...overallOf(summary),
  };
  return { ...data, toJSON: () => data, toMarkdown: () => reportMarkdown(data) };
}

function overallOf(all: readonly CorruptionSummary[]): { overall?: OverallSummary } {
  const summary = all.filter(({ corruption }) => (CORRUPTIONS as readonly CorruptionName[]).includes(corruption));
  if (summary.length === 0) return {};
  const normalized = summary.every(({ ce }) => ce !== undefined);
  const { severities } = summary[0];
  return {
    overall: {
      corruptions: summary.length,
      severities,
      complete: summary.length === CORRUPTIONS.length && new Set(severities).size === 5,
      meanError: mean(summary.map(({ error }) => error)),
      meanErrorIncrease: mean(summary.map(({ errorIncrease }) => errorIncrease)),
      ...(normalized && {
        mCE: mean(summary.map(({ ce }) => ce!)),
        relativeMCE: mean(summary.map(({ relativeCE }) => relativeCE!)),
      }),
      ...meanGap(summary),
    },
  };
}

function meanGap(parts: readonly Gap[]): Gap {
  if (parts.some(({ gap }) => gap === undefined)) return {};
  return {
    gap: mean(parts.map(({ gap }) => gap!)),
    gapStandardError: mean(parts.map(({ gapStandardError }) => gapStandardError!)),
  };
}
