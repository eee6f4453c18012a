import type { OutputKind } from '@qgen/core';
import type { CorruptionName, ParametersOf, Preset } from '../options/severities';
import type { CorruptionError } from './corruption-error';
import type { CorruptionSettings } from './settings';

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
   * The parameters of the severity, as in `SEVERITIES`. Absent for files, and for elastic_transform in the dialect
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
  /** The kind of output that the model was taken to have. */
  readonly output: OutputKind;
  /**
   * The known differences of these figures from those of the published benchmark. Whether files are the published ones
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
