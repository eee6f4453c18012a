import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kendallTau } from '../../../core/src/statistics/kendall-tau';
import { COLUMNS, referencePool } from './ranking-golden';

describe('kendallTau', () => {
  it('counts concordant minus discordant pairs over all pairs: (5 - 1) / 6', () => {
    expect(kendallTau([1, 2, 3, 4], [1, 3, 2, 4])).toEqual({
      tauA: 4 / 6,
      tauB: 4 / 6,
      n: 4,
      ties: 0,
      excluded: 0,
    });
  });

  it('is 1 for the same order and -1 for the reverse', () => {
    expect(kendallTau([1, 2, 3], [10, 20, 30]).tauA).toBe(1);
    expect(kendallTau([1, 2, 3], [30, 20, 10]).tauA).toBe(-1);
  });

  it('leaves tied pairs out of the divisor of tau b only: tau a = 2/3, tau b = 2 / sqrt(2 * 3)', () => {
    const { tauA, tauB, ties } = kendallTau([1, 1, 2], [1, 2, 3]);
    expect(tauA).toBeCloseTo(2 / 3, 15);
    expect(tauB).toBeCloseTo(2 / Math.sqrt(6), 15);
    expect(ties).toBe(1);
  });

  it('leaves out and counts a point that is not finite on either side', () => {
    expect(kendallTau([1, Number.NaN, 2, 3], [1, 2, Number.POSITIVE_INFINITY, 3])).toMatchObject({
      tauA: 1,
      n: 2,
      excluded: 2,
    });
  });

  it('is NaN where nothing can be ordered: no pair, or a constant', () => {
    expect(kendallTau([], [])).toMatchObject({ tauA: Number.NaN, tauB: Number.NaN, n: 0 });
    expect(kendallTau([1], [1]).tauA).toBeNaN();
    expect(kendallTau([5, 5, 5], [1, 2, 3])).toMatchObject({ tauA: 0, tauB: Number.NaN, ties: 3 });
  });

  it('refuses unequal lengths', () => {
    expect(() => kendallTau([1, 2], [1])).toThrow(RangeError);
  });

  it('equals the definition, a sum over all pairs, on any numbers with any ties', () => {
    const small = fc.integer({ min: 0, max: 6 });
    fc.assert(
      fc.property(fc.array(fc.tuple(small, small), { minLength: 2, maxLength: 40 }), (points) => {
        const x = points.map((p) => p[0]);
        const y = points.map((p) => p[1]);
        let sum = 0;
        let ties = 0;
        for (let i = 0; i < x.length; i++)
          for (let j = 0; j < i; j++) {
            sum += Math.sign(x[i] - x[j]) * Math.sign(y[i] - y[j]);
            if (x[i] === x[j] || y[i] === y[j]) ties++;
          }
        const tau = kendallTau(x, y);
        expect(tau.tauA).toBeCloseTo((2 * sum) / (x.length * (x.length - 1)), 14);
        expect(tau.ties).toBe(ties);
      }),
    );
  });

  it('does not change under a strictly increasing map of either side', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer(), fc.integer()), { minLength: 2 }), (points) => {
        const x = points.map((p) => p[0]);
        const y = points.map((p) => p[1]);
        expect(
          kendallTau(
            x.map((v) => 2 * v + 1),
            y,
          ),
        ).toEqual(kendallTau(x, y));
      }),
    );
  });

  it('meets the reference to 1e-12 on a pool of 72 models', async () => {
    const golden = await referencePool();
    for (const column of COLUMNS) {
      const tau = kendallTau(
        golden.rows.map((row) => row[column]),
        golden.rows.map((row) => row.gap),
      );
      expect(tau.tauA).toBeCloseTo(golden.expected[column].tau_a, 12);
      expect(tau.tauB).toBeCloseTo(golden.expected[column].tau_b, 12);
    }
  });
});
