import { describe, expect, it } from 'vitest';
import { rankMeasures } from '../../src/rank/rank-measures';
import { COLUMNS, referencePool } from './ranking-golden';

const pool = Array.from({ length: 24 }, (_, i) => {
  const [lr, width, seed] = [i % 3, Math.floor(i / 3) % 4, Math.floor(i / 12)];
  return { hp: { lr, width, seed }, gap: lr + 3 * width + 0.1 * seed, size: 2 ** width, noise: (i * 7) % 5 };
});

describe('rankMeasures', () => {
  it('puts the measure first that predicts the gap, with every statistic beside it', async () => {
    const ranked = await rankMeasures(pool, {
      measures: { noise: 'noise', reversed: (row) => -row.gap, truth: (row) => row.gap ** 3, size: 'size' },
      gap: 'gap',
      axes: ['lr', 'width'],
      repeats: 'seed',
    });
    expect(ranked.map(({ measure }) => measure)).toEqual(['truth', 'size', 'noise', 'reversed']);
    const [truth, size, , reversed] = ranked;
    expect(truth).toMatchObject({ kendall: { tauA: 1, n: 24 }, granulated: { average: 1 }, signError: { mean: 0 } });
    expect(truth!.information!.score).toBeCloseTo(1, 12);
    expect(size!.granulated!.byAxis).toEqual({ lr: 0, width: 1 });
    expect(reversed!.signError!.mean).toBe(1);
  });

  it('gives tau an interval that holds it, the same for the same seed', async () => {
    const options = { measures: ['noise', 'size'], gap: 'gap', seed: 3, resamples: 200 };
    const ranked = await rankMeasures(pool, options);
    for (const { kendall, tauInterval } of ranked) {
      expect(tauInterval![0]).toBeLessThan(kendall.tauA);
      expect(tauInterval![1]).toBeGreaterThan(kendall.tauA);
    }
    expect(await rankMeasures(pool, options)).toEqual(ranked);
    expect(await rankMeasures(pool, { ...options, seed: 4 })).not.toEqual(ranked);
  });

  it('does not let copies of one model in a resample pull tau towards 0', async () => {
    const [truth] = await rankMeasures(pool, { measures: { truth: (row) => row.gap }, gap: 'gap' });
    expect(truth!.tauInterval).toEqual([1, 1]);
  });

  it('has tau alone without axes, and no interval for fewer than three models', async () => {
    const [only] = await rankMeasures(pool.slice(0, 2), { measures: ['noise'], gap: 'gap' });
    expect(only).toMatchObject({ tauInterval: null, granulated: null, information: null, signError: null });
  });

  it('counts what it left out, and puts a measure without values last', async () => {
    const ranked = await rankMeasures(pool, {
      measures: { missing: () => null, size: (row) => (row.hp.seed ? row.size : Number.NaN) },
      gap: 'gap',
    });
    expect(ranked.map(({ measure, kendall }) => [measure, kendall.n, kendall.excluded])).toEqual([
      ['size', 12, 12],
      ['missing', 0, 24],
    ]);
  });

  it('can be aborted', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(rankMeasures(pool, { measures: ['size'], gap: 'gap', signal })).rejects.toThrow('enough');
  });

  it('ranks the columns of the reference pool by its Psi', async () => {
    const golden = await referencePool();
    const ranked = await rankMeasures(golden.rows, {
      measures: COLUMNS,
      gap: 'gap',
      axes: ['lr', 'width', 'bits'],
      repeats: 'seed',
      testExamples: 2000,
      resamples: 100,
    });
    expect(ranked.map(({ measure }) => measure)).toEqual(['good', 'ties', 'noisy', 'random', 'inverted']);
    for (const { measure, kendall, granulated, information, signError } of ranked) {
      const expected = golden.expected[measure as (typeof COLUMNS)[number]];
      expect(kendall.tauA).toBeCloseTo(expected.tau_a, 12);
      expect(granulated!.average).toBeCloseTo(expected.granulated.Psi, 12);
      expect(information!.score).toBeCloseTo(expected.cmi.K, 12);
      expect(signError!.mean).toBeCloseTo(expected.sign_error['filter=True,n=2000']!.mean!, 12);
    }
  });
});
