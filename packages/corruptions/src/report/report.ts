import { mean, type OutputKind } from '@qgen/core';
import { version } from '../../package.json';
import { dialectOf } from '../settle';
import {
  CORRUPTIONS,
  type CorruptionName,
  type ParametersOf,
  type Preset,
  SEVERITIES,
  type Severity,
} from '../severities';
import { type CorruptionError, corruptionErrors } from './corruption-error';
import { type CorruptionSettings, deviationsOf, type GivenSettings } from './provenance';
import { reportMarkdown } from './report-markdown';

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
  /**
   * What the severity stands for, as in `SEVERITIES`. Absent for files, and for elastic_transform in the dialect
   * 'imagecorruptions', where it follows from the size of the images.
   */
  readonly parameters?: ParametersOf[CorruptionName];
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
  /** Whether these are all 15 corruptions at all 5 severities. What else published figures are, `deviations` tells. */
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

export interface CorruptionReportData extends Partial<CorruptionSettings> {
  /** Of @qgen/corruptions. */
  readonly version: string;
  readonly preset: Preset;
  /** Where the corrupted images are from. Of files, `seed`, `dialect`, `textures` and `postJpeg85` are not known. */
  readonly source: string;
  /** Of an image, [H, W, C]; 'various' where they differ. */
  readonly imageShape: readonly number[] | 'various';
  /** What the model's outputs were taken for. */
  readonly output: OutputKind;
  /**
   * What is known to set these figures apart from those of the published benchmark. Whether files are the published ones
   * is not known.
   */
  readonly deviations: readonly string[];
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

export type MeasuredResult = Estimate & { readonly corruption: CorruptionName; readonly severity: number };

interface Measured extends Pick<CorruptionReportData, 'preset' | 'source' | 'output'> {
  /** The shapes of images that occurred. */
  readonly shapes: readonly (readonly number[])[];
  readonly settings?: GivenSettings;
  readonly clean: Estimate;
  readonly results: readonly MeasuredResult[];
  readonly trainLoss?: number | { readonly loss: number; readonly standardError: number };
}

/** Adds gaps, averages, corruption errors and what sets them apart to what was measured. */
export function reportOf(measured: Measured): CorruptionReport {
  const { preset, source, output, shapes, clean, trainLoss } = measured;
  const train = typeof trainLoss === 'number' ? { loss: trainLoss, standardError: 0 } : trainLoss;
  const withGap = <T extends Estimate>(estimate: T): T & Gap =>
    train === undefined
      ? estimate
      : {
          ...estimate,
          gap: estimate.loss - train.loss,
          gapStandardError: Math.hypot(estimate.lossStandardError, train.standardError),
        };
  const settings = measured.settings && {
    ...measured.settings,
    dialect:
      measured.settings.dialect ??
      onlyOne(shapes.map(([height, width]) => dialectOf(preset, { height: height!, width: width! }))),
  };
  const results = measured.results.map((result) => ({
    ...withGap(result),
    ...(settings && parametersOf(result, preset, settings.dialect)),
  }));
  const summary = corruptionErrors(
    results.map(({ corruption, severity, accuracy }) => ({ corruption, severity, error: 1 - accuracy })),
    1 - clean.accuracy,
    { normalization: preset === 'imagenet-c' ? 'alexnet' : 'none' },
  ).map((error) => {
    const own = results.filter(({ corruption }) => corruption === error.corruption);
    return { ...error, loss: mean(own.map(({ loss }) => loss)), ...meanGap(own) };
  });
  const overall = overallOf(summary);
  const imageShape = shapes.length === 1 ? shapes[0]! : 'various';
  const data: CorruptionReportData = {
    version,
    preset,
    source,
    ...settings,
    imageShape,
    output,
    deviations: deviationsOf({ preset, imageShape, settings, overall, results }),
    ...(train && { trainLoss: train.loss }),
    clean: withGap(clean),
    results,
    summary,
    ...(overall && { overall }),
  };
  return { ...data, toJSON: () => data, toMarkdown: () => reportMarkdown(data) };
}

const onlyOne = <T>(values: readonly T[]): T | 'various' => (new Set(values).size === 1 ? values[0]! : 'various');

/** The parameters of a result, where the preset has them: imagecorruptions makes those of elastic_transform by size. */
function parametersOf(
  { corruption, severity }: MeasuredResult,
  preset: Preset,
  dialect: CorruptionSettings['dialect'],
): Pick<CorruptionResult, 'parameters'> {
  if (corruption === 'elastic_transform' && dialect !== 'robustness') return {};
  return { parameters: SEVERITIES[corruption][preset][(severity as Severity) - 1] };
}

function overallOf(all: readonly CorruptionSummary[]): OverallSummary | undefined {
  const summary = all.filter(({ corruption }) => (CORRUPTIONS as readonly CorruptionName[]).includes(corruption));
  if (summary.length === 0) return undefined;
  const normalized = summary.every(({ ce }) => ce !== undefined);
  const { severities } = summary[0];
  return {
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
  };
}

function meanGap(parts: readonly Gap[]): Gap {
  if (parts.some(({ gap }) => gap === undefined)) return {};
  return {
    gap: mean(parts.map(({ gap }) => gap!)),
    gapStandardError: mean(parts.map(({ gapStandardError }) => gapStandardError!)),
  };
}
