import { describe, expect, it } from 'vitest';
import { granulatedKendall } from '../../src/rank/granulated-kendall';
import { COLUMNS, referencePool } from './ranking-golden';

const grid = (value: (lr: number, width: number) => number, gap: (lr: number, width: number) => number) =>
  [1, 2, 3].flatMap((lr) => [1, 2].map((width) => ({ lr, width, measure: value(lr, width), gap: gap(lr, width) })));

describe('granulatedKendall', () => {
  it('scores 1 on the axis that a measure follows and 0 on the axis it ignores', () => {
    const rows = grid(
      (lr) => lr,
      (lr, width) => lr + 10 * width,
    );
    expect(granulatedKendall(rows, { measure: 'measure', gap: 'gap', axes: ['lr', 'width'] })).toEqual({
      byAxis: { lr: 1, width: 0 },
      average: 0.5,
      groups: { lr: 2, width: 3 },
      excluded: 0,
    });
  });

  it('averages the repeats before it compares: (0 + 4)/2 > 1 although one seed says otherwise', () => {
    const rows = [
      { bits: 2, seed: 0, measure: 1, gap: 1 },
      { bits: 2, seed: 1, measure: 1, gap: 1 },
      { bits: 4, seed: 0, measure: 0, gap: 2 },
      { bits: 4, seed: 1, measure: 4, gap: 2 },
    ];
    expect(granulatedKendall(rows, { measure: 'measure', gap: 'gap', axes: ['bits'], repeats: 'seed' }).average).toBe(
      1,
    );
  });

  it('reads hyper-parameters from the row or from its hp, and measures through functions', () => {
    const rows = [
      { hp: { bits: 2 }, report: { mu: 1 }, gap: 1 },
      { hp: { bits: 4 }, report: { mu: 2 }, gap: 2 },
    ];
    expect(granulatedKendall(rows, { measure: (row) => row.report.mu, gap: 'gap', axes: ['bits'] }).average).toBe(1);
  });

  it('leaves out and counts what is NaN, null or did not converge', () => {
    const rows = [
      { bits: 2, sigma: { value: 1, status: 'converged' }, gap: 1 },
      { bits: 4, sigma: { value: 2, status: 'converged' }, gap: 2 },
      { bits: 8, sigma: { value: 0, status: 'saturated-high' }, gap: 3 },
      { bits: 16, sigma: null, gap: 4 },
      { bits: 32, sigma: { value: 9, status: 'converged' }, gap: Number.NaN },
    ];
    expect(granulatedKendall(rows, { measure: 'sigma', gap: 'gap', axes: ['bits'] })).toMatchObject({
      average: 1,
      excluded: 3,
    });
  });

  it('skips groups of one and is NaN where no axis is left', () => {
    const rows = [{ bits: 2, measure: 1, gap: 1 }];
    expect(granulatedKendall(rows, { measure: 'measure', gap: 'gap', axes: ['bits'] })).toMatchObject({
      byAxis: { bits: Number.NaN },
      average: Number.NaN,
      groups: { bits: 0 },
    });
  });

  it('names what is wrong with axes and fields', () => {
    const rows = [{ bits: 2, measure: 1, gap: 1 }];
    const options = { measure: 'measure', gap: 'gap' };
    expect(() => granulatedKendall(rows, { ...options, axes: [] })).toThrow(/axes is empty/);
    expect(() => granulatedKendall(rows, { ...options, axes: ['depth'] })).toThrow(/no field 'depth'.*bits/);
    expect(() => granulatedKendall(rows, { ...options, axes: ['bits'], repeats: 'bits' })).toThrow(/both/);
  });

  it('meets the reference to 1e-12, with averaged repeats and with the seed as an axis', async () => {
    const golden = await referencePool();
    for (const measure of COLUMNS) {
      const expected = golden.expected[measure];
      const axes = ['lr', 'width', 'bits'];
      const averaged = granulatedKendall(golden.rows, { measure, gap: 'gap', axes, repeats: 'seed' });
      const seeded = granulatedKendall(golden.rows, { measure, gap: 'gap', axes: [...axes, 'seed'] });
      expect(averaged.average).toBeCloseTo(expected.granulated.Psi, 12);
      expect(seeded.average).toBeCloseTo(expected.granulated_with_seed_axis.Psi, 12);
      for (const axis of axes) expect(averaged.byAxis[axis]).toBeCloseTo(expected.granulated.psi[axis], 12);
      for (const axis of [...axes, 'seed'])
        expect(seeded.byAxis[axis]).toBeCloseTo(expected.granulated_with_seed_axis.psi[axis], 12);
    }
  });
});
