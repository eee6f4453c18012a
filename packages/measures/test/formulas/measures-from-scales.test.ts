import { beforeAll, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { goldenJsons } from '../../../../test/goldens';
import { MEASURE_IDS, measuresFromScales } from '../../src/formulas/measures-from-scales';
import { snapshot } from '../../src/subject/snapshot';
import { dialectOf, goldenNet, officialNets, officialRun } from '../golden-nets';

interface FormulaCase {
  readonly case: string;
  readonly dialect: string;
  readonly delta: number;
  readonly eps: number;
  readonly m: number;
  readonly w: number[];
  readonly w0: number[];
  readonly sigma: number;
  readonly sigma_mag: number;
  readonly alpha: number;
  readonly alpha_mag: number;
  readonly expected: Record<string, { readonly mu: number; readonly normalized: number | null }>;
}

beforeAll(() => useBackend('wasm'));

it('agrees with every closed-form golden, in three dialects, to 1e-12', async () => {
  const goldens = await goldenJsons<{ cases: FormulaCase[] }>('measures/formulas.json');
  const cases = goldens.flatMap((each) => each.cases);
  let vectors: Pick<FormulaCase, 'w' | 'w0'> | undefined;
  let compared = 0;
  for (const golden of cases) {
    if (golden.w) vectors = golden;
    const measures = measuresFromScales(
      vectors!.w,
      vectors!.w0,
      golden.m,
      { sigma: golden.sigma, sigmaMagnitude: golden.sigma_mag, alpha: golden.alpha, alphaMagnitude: golden.alpha_mag },
      { dialect: dialectOf(golden.dialect), delta: golden.delta, epsilon: golden.eps },
    );
    expect(Object.keys(measures).sort()).toEqual(Object.keys(golden.expected).sort());
    for (const id of MEASURE_IDS) {
      const { mu, normalized } = golden.expected[id]!;
      const where = `${golden.case} ${golden.dialect} delta ${golden.delta} ${id}`;
      expect(Math.abs(measures[id].mu! / mu - 1), where).toBeLessThan(1e-12);
      if (normalized === null) expect(measures[id].normalized, where).toBeNull();
      else expect(Math.abs(measures[id].normalized! / normalized - 1), where).toBeLessThan(1e-12);
      compared++;
    }
  }
  expect(compared).toBe(cases.length * 12);
  expect(compared).toBeGreaterThan(0);
});

const official = 'meets the PAC-Bayes measures of the official code on its own NiN, %s, to 1e-4';
it.for(officialNets)(official, { timeout: 60_000 }, async (name) => {
  const net = await goldenNet(name);
  const golden = await officialRun<{
    runs: Record<string, { measures: Record<string, number>; sigma: number; mag_sigma: number }>;
  }>(name);
  const kernels = async (model: typeof net.model) => {
    const { folded } = await snapshot(model);
    return folded.filter(({ role }) => role === 'kernel').flatMap(({ values }) => [...values]);
  };
  const [w, w0] = [await kernels(net.model), await kernels(net.initial)];
  const { measures: expected, sigma, mag_sigma: sigmaMagnitude } = golden.runs['0']!;
  const options = { dialect: 'dziugaite2020' } as const;
  const found = measuresFromScales(w, w0, net.train.ys.length, { sigma, sigmaMagnitude }, options);
  const names = {
    'pacBayes.init': 'PACBAYES_INIT',
    'pacBayes.orig': 'PACBAYES_ORIG',
    'pacBayes.flatness': 'PACBAYES_FLATNESS',
    'pacBayes.mag.init': 'PACBAYES_MAG_INIT',
    'pacBayes.mag.orig': 'PACBAYES_MAG_ORIG',
    'pacBayes.mag.flatness': 'PACBAYES_MAG_FLATNESS',
  } as const;
  for (const [id, theirs] of Object.entries(names))
    expect(Math.abs(found[id as keyof typeof names].normalized! / expected[theirs]! - 1), id).toBeLessThan(1e-4);
});

it('pacBayes.init of d = (3, 4) at sigma 0.5, m 100, delta 0.05 is 25 / (4 * 0.25) + ln 2000 + 10 = 42.60', () => {
  const { 'pacBayes.init': measure } = measuresFromScales([3, 4], [0, 0], 100, { sigma: 0.5 });
  expect(measure.mu).toBeCloseTo(25 + Math.log(2000) + 10, 12);
  expect(measure.normalized).toBeCloseTo(Math.sqrt((35 + Math.log(2000)) / 100), 12);
});

it('a scale that was not found leaves its measures null and the others alone', () => {
  const measures = measuresFromScales([1, 2], [0, 0], 100, { sigma: 0.1, alpha: null });
  expect(measures['sharpness.init']).toEqual({ mu: null, normalized: null, warning: 'no scale was found' });
  expect(measures['sharpness.mag.flatness'].mu).toBeNull();
  expect(measures['pacBayes.flatness'].mu).toBeCloseTo(100, 10);
});

it('a negative mu keeps its value, has no normalized form and says why', () => {
  // One weight, far below its own noise: 1/4 ln of a ratio near 1e-6 outweighs ln(m / delta) + 10 = 10.05 for m = 0.0526.
  const { 'pacBayes.mag.orig': measure } = measuresFromScales([0], [10000], 0.0526, { sigmaMagnitude: 10000 });
  expect(measure.mu).toBeLessThan(0);
  expect(measure.normalized).toBeNull();
  expect(measure.warning).toMatch(/negative/);
});

it('what makes no sense is a RangeError that says so', () => {
  expect(() => measuresFromScales([], [], 10, {})).toThrow(/^measuresFromScales: w is empty/);
  expect(() => measuresFromScales([1], [1, 2], 10, {})).toThrow(/same length, got 1 and 2/);
  expect(() => measuresFromScales([Number.NaN], [1], 10, {})).toThrow(/entry 0 is NaN and 1/);
  expect(() => measuresFromScales([1], [1], 0, {})).toThrow(/m must be positive, got 0/);
  expect(() => measuresFromScales([1], [1], 10, { sigma: -1 })).toThrow(/sigma must be positive.*got -1/);
});
