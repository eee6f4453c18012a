import { describe, expect, it } from 'vitest';
import { goldenJson } from '../../../../test/goldens';
import { conditionalMutualInformation } from '../../src/rank/conditional-mutual-information';
import { COLUMNS, type Ranking } from './ranking-golden';

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
    expect(conditionalMutualInformation(rows, options).K).toBe(0);
  });

  it('drops to 0 given the hyper-parameter that the measure merely repeats', () => {
    // Within one lr the measure says nothing: all it knows of the gap is lr.
    const rows = [1, 2].flatMap((lr) => [1, 2].map((width) => ({ lr, width, gap: 10 * lr + width, measure: lr })));
    const { byCondition, K } = conditionalMutualInformation(rows, options);
    expect(byCondition['(none)']).toBeGreaterThan(0.5);
    expect(byCondition.lr).toBeCloseTo(0, 14);
    expect(K).toBeCloseTo(0, 14);
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
    expect(conditionalMutualInformation([], options).K).toBeNaN();
    const rows = [1, 2, 3].map((lr) => ({ lr, width: 1, gap: 1, measure: lr }));
    expect(conditionalMutualInformation(rows, options).K).toBeNaN();
  });

  it('meets the reference to 1e-12 in every condition', async (ctx) => {
    const golden = await goldenJson<Ranking>('measures/ranking.json');
    if (!golden) return ctx.skip('../shared/goldens/measures/ranking.json is not at hand');
    for (const measure of COLUMNS) {
      const { cmi } = golden.expected[measure];
      const axes = ['lr', 'width', 'bits'];
      const result = conditionalMutualInformation(golden.rows, { measure, gap: 'gap', axes });
      expect(result.K).toBeCloseTo(cmi.K, 12);
      expect(Object.keys(result.byCondition).sort()).toEqual(Object.keys(cmi.by_condition).sort());
      for (const [name, value] of Object.entries(cmi.by_condition))
        expect(result.byCondition[name]).toBeCloseTo(value, 12);
    }
  });
});
