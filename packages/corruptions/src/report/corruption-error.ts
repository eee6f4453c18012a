import { mean, requireKnownOptions, requireOneOf, shown } from '@qgen/core';
import type { CorruptionName } from '../options/severities';
import { isSeverity, requireName } from '../settle';

/**
 * Top-1 errors of torchvision's AlexNet on ImageNet-C, severities 1 to 5: the denominators of Hendrycks & Dietterich
 * 2019 (arXiv:1903.12261), section 4.2. Published by the authors in issue 10 of hendrycks/robustness; their means over
 * the severities are the usual constants (0.886428, 0.894468, …).
 */
export const ALEXNET_ERRORS: Readonly<Partial<Record<CorruptionName, readonly number[]>>> = {
  gaussian_noise: [0.69528, 0.82542, 0.93554, 0.98138, 0.99452],
  shot_noise: [0.71224, 0.85108, 0.93574, 0.98182, 0.99146],
  impulse_noise: [0.78374, 0.89808, 0.9487, 0.9872, 0.99548],
  defocus_blur: [0.65624, 0.73202, 0.85036, 0.91364, 0.94714],
  glass_blur: [0.64308, 0.75054, 0.88806, 0.91622, 0.93344],
  motion_blur: [0.5843, 0.70048, 0.82108, 0.8975, 0.92638],
  zoom_blur: [0.70008, 0.76992, 0.80784, 0.84198, 0.87198],
  snow: [0.71726, 0.88392, 0.86468, 0.9187, 0.94952],
  frost: [0.6139, 0.79734, 0.8879, 0.89942, 0.9343],
  fog: [0.67474, 0.7605, 0.84378, 0.8726, 0.945],
  brightness: [0.4514, 0.48502, 0.54048, 0.62166, 0.7244],
  contrast: [0.64548, 0.7615, 0.88874, 0.9776, 0.9927],
  elastic_transform: [0.52596, 0.70116, 0.55686, 0.64076, 0.80554],
  pixelate: [0.52218, 0.5462, 0.73728, 0.87092, 0.91262],
  jpeg_compression: [0.51002, 0.54718, 0.57294, 0.65458, 0.74778],
};

/** Top-1 error of the same AlexNet on the clean validation images (torchvision's model table; the paper prints 43.5 %). */
export const ALEXNET_CLEAN_ERROR = 0.4345;

/** Top-1 error of a model under one corruption at one severity. */
export interface SeverityError {
  readonly corruption: CorruptionName;
  readonly severity: number;
  readonly error: number;
}

/**
 * One corruption over its severities; of every number less is better. `ce` and `relativeCE` are fractions of AlexNet's
 * error: 1 is as bad as AlexNet.
 */
export interface CorruptionError {
  readonly corruption: CorruptionName;
  readonly severities: readonly number[];
  /** mean_s E_{s,c}, unnormalized, in 0..1. */
  readonly error: number;
  /** mean_s E_{s,c} − E_clean, unnormalized, in −1..1. */
  readonly errorIncrease: number;
  /** CE_c = Σ_s E_{s,c} / Σ_s E^AlexNet_{s,c}. */
  readonly ce?: number;
  /** Relative CE_c = Σ_s (E_{s,c} − E_clean) / Σ_s (E^AlexNet_{s,c} − E^AlexNet_clean). */
  readonly relativeCE?: number;
}

/**
 * Errors per corruption, in the order of first appearance. With `normalization: 'alexnet'` the 15 corruptions of
 * ImageNet-C also carry CE and relative CE (section 4.2 of arXiv:1903.12261), both sums over the severities given; the
 * validation corruptions, for which no constants exist, never do.
 *
 * @param cleanError in 0..1
 * @throws TypeError where `errors` is no array, RangeError on an unknown corruption or option, a severity that is not 1 to
 * 5 or given twice, and an error that is not in 0..1
 */
export function corruptionErrors(
  errors: readonly SeverityError[],
  cleanError: number,
  options: { readonly normalization: 'alexnet' | 'none' },
): CorruptionError[] {
  requireKnownOptions('corruptionErrors', options, ['normalization']);
  const { normalization } = options ?? {};
  requireOneOf('corruptionErrors', 'normalization', normalization, ['alexnet', 'none']);
  requireErrors(errors, cleanError);
  const names = [...new Set(errors.map(({ corruption }) => corruption))];
  return names.map((corruption) => {
    const own = errors.filter((entry) => entry.corruption === corruption);
    const severities = own.map(({ severity }) => severity);
    const error = mean(own.map((entry) => entry.error));
    const unnormalized = { corruption, severities, error, errorIncrease: error - cleanError };
    const alexNet = ALEXNET_ERRORS[corruption];
    if (normalization === 'none' || alexNet === undefined) return unnormalized;
    const alexNetError = mean(severities.map((severity) => alexNet[severity - 1]));
    return {
      ...unnormalized,
      ce: error / alexNetError,
      relativeCE: (error - cleanError) / (alexNetError - ALEXNET_CLEAN_ERROR),
    };
  });
}

function requireErrors(errors: readonly SeverityError[], cleanError: number): void {
  if (!Array.isArray(errors))
    throw new TypeError(
      `corruptionErrors: errors must be an array of { corruption, severity, error }, got ${shown(errors)}`,
    );
  const share = (what: string, error: unknown) => {
    if (!(typeof error === 'number' && error >= 0 && error <= 1))
      throw new RangeError(`corruptionErrors: ${what} must be a number from 0 to 1, got ${shown(error)}`);
  };
  share('cleanError', cleanError);
  const seen = new Set<string>();
  for (const [i, entry] of errors.entries()) {
    const { corruption, severity, error } = (entry ?? {}) as Partial<SeverityError>;
    requireName('corruptionErrors', corruption!);
    if (!isSeverity(severity))
      throw new RangeError(
        `corruptionErrors: errors[${i}].severity must be an integer from 1 to 5, got ${shown(severity)}`,
      );
    share(`errors[${i}].error`, error);
    const key = `${corruption} at severity ${severity}`;
    if (seen.has(key)) throw new RangeError(`corruptionErrors: ${key} is given twice; give every error once`);
    seen.add(key);
  }
}
