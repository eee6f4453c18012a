import { describe, expect, it } from 'vitest';
import { goldenJson } from '../../../../test/goldens';
import { signError } from '../../src/rank/sign-error';
import { COLUMNS, type Ranking } from './ranking-golden';

const options = { measure: 'measure', gap: 'gap', axes: ['bits'] };

describe('signError', () => {
  it('is the share of environments that a measure gets wrong, a tie counting half', () => {
    const rows = [
      { bits: 2, gap: 1, measure: 1 },
      { bits: 4, gap: 2, measure: 3 },
      { bits: 8, gap: 3, measure: 2 },
      { bits: 16, gap: 4, measure: 3 },
    ];
    // The pairs (2,4) (2,8) (2,16) (8,16) are right, (4,8) is wrong, (4,16) ties: (1 + 1/2) / 6.
    expect(signError(rows, options)).toMatchObject({ environments: 6, mean: 0.25, max: 1, effectiveSampleSize: 6 });
  });

  it('drops a pair whose gaps lie closer than the test set can tell: h <= 1/2', () => {
    const rows = [
      { bits: 2, gap: 0.1, measure: 2 },
      { bits: 4, gap: 0.101, measure: 1 },
      { bits: 8, gap: 0.5, measure: 3 },
    ];
    expect(signError(rows, { ...options, testExamples: 10_000 })).toMatchObject({ environments: 2, mean: 0 });
    expect(signError(rows, options).mean).toBeCloseTo(1 / 3, 15);
  });

  it('weighs by Hoeffding: h = (1 - 2 exp(-2 n (0.02/2)^2))^2, certain pairs count fully', () => {
    const rows = [
      { bits: 2, seed: 0, gap: 0.1, measure: 2 },
      { bits: 4, seed: 0, gap: 0.12, measure: 1 },
      { bits: 4, seed: 1, gap: 0.9, measure: 3 },
    ];
    const n = 10_000;
    const close = (1 - 2 * Math.exp(-2 * n * 0.01 ** 2)) ** 2 - 0.5;
    const certain = 0.5;
    expect(signError(rows, { ...options, testExamples: n }).mean).toBeCloseTo(close / (close + certain), 12);
  });

  it('has nulls and no environment for an empty pool or indistinguishable gaps', () => {
    const nothing = { environments: 0, mean: null, p90: null, max: null, meanByAxis: { bits: null } };
    expect(signError([], options)).toMatchObject({ ...nothing, effectiveSampleSize: 0 });
    const rows = [2, 4].map((bits) => ({ bits, gap: 0.1, measure: bits }));
    expect(signError(rows, { ...options, testExamples: 100 })).toMatchObject(nothing);
  });

  it('refuses a negative or missing number of test examples', () => {
    expect(() => signError([], { ...options, testExamples: -1 })).toThrow(RangeError);
    expect(() => signError([], { ...options, testExamples: Number.NaN })).toThrow(RangeError);
  });

  it('meets the reference to 1e-12 with and without the filter', async (ctx) => {
    const golden = await goldenJson<Ranking>('measures/ranking.json');
    if (!golden) return ctx.skip('../shared/goldens/measures/ranking.json is not at hand');
    const settings = { 'filter=True,n=10000': 10_000, 'filter=True,n=2000': 2000, 'filter=False,n=10000': 0 };
    for (const measure of COLUMNS)
      for (const [name, testExamples] of Object.entries(settings)) {
        const expected = golden.expected[measure].sign_error[name];
        const axes = ['lr', 'width', 'bits'];
        const result = signError(golden.rows, { measure, gap: 'gap', axes, testExamples });
        expect(result.environments).toBe(expected.n_env);
        expect(result.mean).toBeCloseTo(expected.mean!, 12);
        expect(result.p90).toBeCloseTo(expected.p90!, 12);
        expect(result.max).toBeCloseTo(expected.max!, 12);
        for (const axis of axes) expect(result.meanByAxis[axis]).toBeCloseTo(expected.mean_by_axis[axis]!, 12);
      }
  });
});
