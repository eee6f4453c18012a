import { describe, expect, it } from 'vitest';
import { conditionalMutualInformation } from '../../src/rank/conditional-mutual-information';
import { COLUMNS, referencePool } from './ranking-golden';

const options = { measure: 'measure', gap: 'gap', axes: ['lr', 'width'] };

describe('conditionalMutualInformation', () => {
  it('is 1 where the measure orders every pair as the gap does, and just as well where it reverses them all', () => {
    const rows = [1, 2, 3, 4].map((gap) => ({ lr: gap % 2, width: gap > 2, gap, measure: gap ** 3 }));
    const reversed = rows.map((row) => ({ ...row, measure: -row.gap }));
    expect(conditionalMutualInformation(rows, options).byCondition['(none)']).toBeCloseTo(1, 14);
    expect(conditionalMutualInformation(reversed, options).byCondition['(none)']).toBeCloseTo(1, 14);
  });

  it('is 0 for a constant measure', () => {
    const rows = [1, 2, 3, 4].map((gap) => ({ lr: gap % 2, width: gap > 2, gap, measure: 7 }));
    expect(conditionalMutualInformation(rows, options).score).toBe(0);
  });

  it('drops to 0 given the hyper-parameter that the measure merely repeats', () => {
    // Within one lr the measure says nothing: all it knows of the gap is lr.
    const rows = [1, 2].flatMap((lr) => [1, 2].map((width) => ({ lr, width, gap: 10 * lr + width, measure: lr })));
    const { byCondition, score } = conditionalMutualInformation(rows, options);
    expect(byCondition['(none)']).toBeGreaterThan(0.5);
    expect(byCondition.lr).toBeCloseTo(0, 14);
    expect(score).toBeCloseTo(0, 14);
  });

  it('names the conditions after their axes, up to two of them', () => {
    const rows = [1, 2].flatMap((lr) => [1, 2].map((width) => ({ lr, width, gap: lr + width, measure: lr })));
    expect(Object.keys(conditionalMutualInformation(rows, options).byCondition)).toEqual([
      '(none)',
      'lr',
      'width',
      'lr|width',
    ]);
  });

  it('is NaN for an empty pool or a constant gap', () => {
    expect(conditionalMutualInformation([], options).score).toBeNaN();
    const rows = [1, 2, 3].map((lr) => ({ lr, width: 1, gap: 1, measure: lr }));
    expect(conditionalMutualInformation(rows, options).score).toBeNaN();
  });

  it('is another formula in PGDL: pairs of a model with itself count, and a tie is "not larger"', () => {
    const rows = [
      { lr: 1, width: 1, gap: 1, measure: 1 },
      { lr: 1, width: 1, gap: 2, measure: 3 },
      { lr: 1, width: 1, gap: 3, measure: 2 },
    ];
    // Of the 9 pairs the gap is larger in 3 and the measure in 3, both in 2: I = 5/9 ln(5/4), H = ln 3 - 2/3 ln 2.
    const pgdl = conditionalMutualInformation(rows, { ...options, dialect: 'pgdl' });
    expect(pgdl.score).toBeCloseTo(((5 / 9) * Math.log(5 / 4)) / (Math.log(3) - (2 / 3) * Math.LN2), 12);
    expect(Object.keys(pgdl.byCondition)).toEqual(['lr|width']);
    // Jiang et al. leave the 3 pairs of a model with itself out: I = 2/3 ln(4/3) + 1/3 ln(2/3), H = ln 2.
    const { score } = conditionalMutualInformation(rows, options);
    expect(score).toBeCloseTo(((2 / 3) * Math.log(4 / 3) + (1 / 3) * Math.log(2 / 3)) / Math.LN2, 12);
  });

  it('meets the scoring program of PGDL, its `conditional_mutual_information` on the reference pool, to 1e-10', async () => {
    const golden = await referencePool();
    const expected = {
      good: [0.4112177770094431, 0.38770292899109593, 0.42112777638860277],
      noisy: [0.09876693975051735, 0.10662458072995068, 0.10461040375308835],
      ties: [0.35943489691130953, 0.3061014327572475, 0.3107489450312326],
      inverted: [0.10587377294744922, 0.1304038787126407, 0.18686768953363384],
      random: [0.03628721656650522, 0.06089782389485639, 0.05736805343406175],
    };
    for (const measure of COLUMNS) {
      const axes = ['lr', 'width', 'bits'];
      const result = conditionalMutualInformation(golden.rows, { measure, gap: 'gap', axes, dialect: 'pgdl' });
      // Its logarithms are of p + 1e-12.
      for (const [i, name] of ['lr|width', 'lr|bits', 'width|bits'].entries())
        expect(result.byCondition[name]).toBeCloseTo(expected[measure][i]!, 10);
      expect(result.score).toBeCloseTo(Math.min(...expected[measure]), 10);
    }
  });

  it('meets the reference to 1e-12 in every condition', async () => {
    const golden = await referencePool();
    for (const measure of COLUMNS) {
      const { cmi } = golden.expected[measure];
      const axes = ['lr', 'width', 'bits'];
      const result = conditionalMutualInformation(golden.rows, { measure, gap: 'gap', axes });
      expect(result.score).toBeCloseTo(cmi.K, 12);
      expect(Object.keys(result.byCondition).sort()).toEqual(Object.keys(cmi.by_condition).sort());
      for (const [name, value] of Object.entries(cmi.by_condition))
        expect(result.byCondition[name]).toBeCloseTo(value, 12);
    }
  });
});
