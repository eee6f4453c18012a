import { describe, expect, it } from 'vitest';
import { CORRUPTIONS, type CorruptionName } from '../../src/options/severities';
import { ALEXNET_CLEAN_ERROR, ALEXNET_ERRORS, corruptionErrors } from '../../src/report/corruption-error';

/** The means over severities that the field uses, as in the evaluation code of AugMix and many others. */
const USUAL = [
  0.886428, 0.894468, 0.92264, 0.81988, 0.826268, 0.785948, 0.79836, 0.866816, 0.826572, 0.819324, 0.564592, 0.853204,
  0.646056, 0.71784, 0.6065,
];

/** Corruption errors of ResNet-18 in percent and its clean error, Hendrycks & Dietterich 2019, tables 1 and 2. */
const RESNET_18 = {
  ce: [87, 88, 91, 84, 91, 87, 89, 86, 84, 78, 69, 78, 90, 80, 85],
  clean: 0.302,
  mCE: 84.7,
  relative: 103.9,
};

const at = (corruption: CorruptionName, errors: readonly number[]) =>
  errors.map((error, i) => ({ corruption, severity: i + 1, error }));

describe('corruptionErrors', () => {
  it('normalizes by the constants that the field uses', () => {
    CORRUPTIONS.forEach((name, i) => {
      const errors = ALEXNET_ERRORS[name]!;
      expect(errors.reduce((sum, error) => sum + error) / 5).toBeCloseTo(USUAL[i], 9);
    });
  });

  it('gives AlexNet itself a CE and a relative CE of 1', () => {
    const errors = CORRUPTIONS.flatMap((name) => at(name, ALEXNET_ERRORS[name]!));
    for (const { ce, relativeCE } of corruptionErrors(errors, ALEXNET_CLEAN_ERROR, { normalization: 'alexnet' })) {
      expect(ce).toBeCloseTo(1, 12);
      expect(relativeCE).toBeCloseTo(1, 12);
    }
  });

  it('reproduces the published mCE and relative mCE of ResNet-18 from its corruption errors', () => {
    const errors = CORRUPTIONS.flatMap((name, i) => at(name, Array(5).fill((RESNET_18.ce[i] / 100) * USUAL[i])));
    const summary = corruptionErrors(errors, RESNET_18.clean, { normalization: 'alexnet' });
    const mean = (values: readonly number[]) => (100 * values.reduce((sum, value) => sum + value)) / values.length;
    // The table prints CEs without decimals, so the means are known to half a percent.
    expect(Math.abs(mean(summary.map(({ ce }) => ce!)) - RESNET_18.mCE)).toBeLessThan(0.5);
    expect(Math.abs(mean(summary.map(({ relativeCE }) => relativeCE!)) - RESNET_18.relative)).toBeLessThan(1);
  });

  it('is a ratio of sums over the severities given', () => {
    const [fog] = corruptionErrors(
      [
        { corruption: 'fog', severity: 2, error: 0.5 },
        { corruption: 'fog', severity: 4, error: 0.7 },
      ],
      0.2,
      { normalization: 'alexnet' },
    );
    expect(fog.error).toBeCloseTo(0.6, 12);
    expect(fog.errorIncrease).toBeCloseTo(0.4, 12);
    expect(fog.ce).toBeCloseTo((0.5 + 0.7) / (0.7605 + 0.8726), 12);
    expect(fog.relativeCE).toBeCloseTo((0.3 + 0.5) / (0.7605 + 0.8726 - 2 * 0.4345), 12);
  });

  it('normalizes nothing where no constants exist', () => {
    const errors = [...at('fog', [0.5]), ...at('saturate', [0.5])];
    const [fog, saturate] = corruptionErrors(errors, 0.2, { normalization: 'alexnet' });
    expect(fog.ce).toBeDefined();
    expect(saturate).not.toHaveProperty('ce');
    for (const entry of corruptionErrors(errors, 0.2, { normalization: 'none' })) {
      expect(entry).not.toHaveProperty('ce');
      expect(entry).not.toHaveProperty('relativeCE');
    }
  });
});
