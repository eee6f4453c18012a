import { describe, expect, it } from 'vitest';
import { signError } from '../../src/rank/sign-error';
import { COLUMNS, referencePool } from './ranking-golden';

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

  it('leaves out environments of a small effective sample size when asked: 2 x 2 models are 4 pairs, 2 x 3 are 6', () => {
    const models = (bits: number, count: number) =>
      Array.from({ length: count }, (_, seed) => ({ bits, seed, gap: bits + seed / 10, measure: bits }));
    const rows = [...models(2, 2), ...models(4, 2), ...models(8, 3)];
    expect(signError(rows, options)).toMatchObject({ environments: 3, leftOut: 0, effectiveSampleSize: 16 });
    const filtered = signError(rows, { ...options, minEffectiveSampleSize: 6 });
    expect(filtered).toMatchObject({ environments: 2, leftOut: 1, effectiveSampleSize: 12 });
    const none = signError(rows, { ...options, minEffectiveSampleSize: 12 });
    expect(none).toMatchObject({ environments: 0, leftOut: 3, mean: null, effectiveSampleSize: 0 });
  });

  it('meets the official code with its filter at 12: 16 of 18 environments are left', async () => {
    const golden = await referencePool();
    // create_environments and get_all_losses(min_ess=12) of the code of Dziugaite et al. 2020 on the reference pool.
    const expected = {
      noisy: {
        mean: 0.14449330399750324,
        max: 0.4360485770063902,
        lr: 0.16873008260644082,
        width: 0.12025652538856571,
      },
      ties: {
        mean: 0.00017944762212103124,
        max: 0.0018123359457843928,
        lr: 0.00022654199322304908,
        width: 0.0001323532510190134,
      },
      random: { mean: 0.5684096877734617, max: 0.832879720139453, lr: 0.648359870685908, width: 0.4884595048610155 },
    };
    for (const [measure, { mean, max, ...byAxis }] of Object.entries(expected)) {
      const given = { measure, gap: 'gap', axes: ['lr', 'width'], testExamples: 1000, minEffectiveSampleSize: 12 };
      const result = signError(golden.rows, given);
      expect(result).toMatchObject({ environments: 16, leftOut: 2 });
      expect(result.mean).toBeCloseTo(mean, 12);
      expect(result.max).toBeCloseTo(max, 12);
      for (const [axis, value] of Object.entries(byAxis)) expect(result.meanByAxis[axis]).toBeCloseTo(value, 12);
    }
  });

  it('meets the reference to 1e-12 with and without the filter', async () => {
    const golden = await referencePool();
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
