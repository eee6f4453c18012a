import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import {
  type FlatnessProgress,
  type MeasureFlatnessOptions,
  measureFlatness,
} from '../../src/flatness/measure-flatness';
import { MEASURE_IDS, type MeasureId, measuresFromScales } from '../../src/formulas/measures-from-scales';
import { snapshot } from '../../src/subject/snapshot';
import { dialectOf, goldenNet, goldenOf, smallNets } from '../golden-nets';
import { independent, units } from '../independent';
import { expectRestored, smallNet } from '../interruption';

type GoldenMeasures = Record<string, Record<MeasureId, { readonly mu: number; readonly normalized: number }>>;

describe('measureFlatness', { timeout: 120_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  it.each(smallNets)('gives the twelve golden measures of %s to 6 percent, in three dialects', async (name) => {
    const net = await goldenNet(name);
    const { variants } = await goldenOf<{ variants: Record<string, { measures: GoldenMeasures }> }>(
      'scales.json',
      name,
    );
    const initial = await snapshot(net.initial);
    for (const [spoken, golden] of Object.entries(variants.weights!.measures)) {
      const dialect = dialectOf(spoken);
      const report = await measureFlatness(net.model, net.train, {
        initial,
        dialect,
        scope: 'weights',
        measures: Object.keys(golden) as MeasureId[],
        // The goldens' magnitude-aware measures stand on the additive box.
        alpha: { epsilonInBall: 'additive' },
      });
      expect(report.setting).toMatchObject({ dialect, view: 'float', scope: 'weights', m: 2000 });
      expect(report.warnings).toEqual([]);
      for (const [id, { mu, normalized }] of Object.entries(golden)) {
        const found = report.measures[id as MeasureId]!;
        expect(found.status).toBe('converged');
        // d ln mu = -2 d ln sigma at most, and sigma is good to 3 %.
        expect(Math.abs(Math.log(found.mu! / mu)), `${dialect} ${id}`).toBeLessThan(0.12);
        expect(Math.abs(Math.log(found.normalized! / normalized)), `${dialect} ${id}`).toBeLessThan(0.06);
        // Alpha has a bracket and no interval.
        if (id.startsWith('sharpness')) expect(found).toMatchObject({ muCi95: null, normalizedCi95: null });
        else {
          expect(found.muCi95![0]).toBeLessThanOrEqual(found.mu!);
          expect(found.muCi95![1]).toBeGreaterThanOrEqual(found.mu!);
        }
      }
    }
  });

  it('the report holds the searches, says view and dialect beside every number, and survives JSON', async () => {
    const model = independent(2);
    const initial = await snapshot(independent(1.5));
    const seen = new Set<string>();
    const onProgress = ({ search }: FlatnessProgress) => seen.add(search);
    const report = await measureFlatness(model, units(256), { initial, onProgress });
    expect([...seen]).toEqual(['sigma', 'sigmaMagnitude', 'alpha', 'alphaMagnitude']);
    expect(Object.keys(report.measures)).toEqual([...MEASURE_IDS]);
    expect(report).toMatchObject({ omega: 128, zeroFraction: 0 });
    expect(report.l2).toBeCloseTo(2 * Math.sqrt(128), 5);
    expect(report.distance).toBeCloseTo(0.5 * Math.sqrt(128), 5);
    const { sigma, sigmaMagnitude, alpha, alphaMagnitude } = report.searches;
    const scales = {
      sigma: sigma!.value,
      sigmaMagnitude: sigmaMagnitude!.value,
      alpha: alpha!.value,
      alphaMagnitude: alphaMagnitude!.value,
    };
    const expected = measuresFromScales(new Float32Array(128).fill(2), new Float32Array(128).fill(1.5), 256, scales);
    for (const id of MEASURE_IDS) expect(report.measures[id]).toMatchObject(expected[id]);
    // One clean pass serves all four searches; only the searches for alpha make their own.
    expect(sigmaMagnitude!.examplesInBaseline).toBe(256);
    const table = report.toMarkdown();
    for (const id of MEASURE_IDS)
      expect(table).toMatch(new RegExp(`\\| ${id} \\| .* \\| float \\| qgen \\| converged \\|`));
    expect(table).toContain('Smaller is flatter in every row, *.flatness = 1 / scale^2 included.');
    expect(table).toContain('Larger is flatter: sigma = ');
    expect(report.flatter).toEqual({ measures: 'smaller', scales: 'larger' });
    expect(table).toMatch(/\| sharpness.init \| \S+ \| \S+ \| {2}\|/);
    expect(table).toMatch(/sigma = \S+ \(95 %: \S+ … \S+\)/);
    expect(table).toMatch(/alpha = \S+ \(bracket: \S+ … \S+\)/);
    const json = JSON.parse(JSON.stringify(report));
    expect(json.searches.alpha.ci95).toBeUndefined();
    expect(json.flatter).toEqual(report.flatter);
    expect(json.measures['pacBayes.init'].mu).toBe(report.measures['pacBayes.init']!.mu);
    expect(json.searches.sigma.trace).toBeUndefined();
    expect(json.setting.dialect).toBe('qgen');
  });

  it('makes only the searches that are asked for', async () => {
    const initial = await snapshot(independent());
    const measures = ['pacBayes.mag.orig', 'pacBayes.mag.flatness'] as const;
    const report = await measureFlatness(independent(), units(128), { initial, measures });
    expect(Object.keys(report.measures)).toEqual([...measures]);
    expect(report.searches).toMatchObject({ sigma: null, alpha: null, alphaMagnitude: null });
  });

  it('a search without a scale leaves its measures null, with its status and a warning', async () => {
    const initial = await snapshot(independent());
    const { xs, ys, shape } = units(256);
    const atChance = { xs, shape, ys: ys.map((_, i) => i % 2) };
    const measures = ['pacBayes.init', 'pacBayes.flatness'] as const;
    const report = await measureFlatness(independent(), atChance, { initial, measures });
    expect(report.measures['pacBayes.init']).toEqual({
      mu: null,
      normalized: null,
      muCi95: null,
      normalizedCi95: null,
      status: 'unreachable',
      warning: 'no scale was found: unreachable',
    });
    expect(report.warnings).toEqual(['sigma: the search ended with status unreachable']);
    expect(report.toMarkdown()).toMatch(/pacBayes.init \| - \| - .* unreachable/);
  });

  it('without a snapshot the values that need none are there, and the others null with the reason', async () => {
    const data = units(256);
    const initial = await snapshot(independent(1.5));
    const full = await measureFlatness(independent(2), data, { initial });
    const model = independent(2);
    const leaked = await leakedTensors(async () => {
      const report = await measureFlatness(model, data);
      const needed = ['pacBayes.init', 'pacBayes.mag.init', 'pacBayes.mag.orig'].flatMap((id) => [
        id,
        id.replace('pacBayes', 'sharpness'),
      ]);
      for (const id of MEASURE_IDS)
        if (needed.includes(id))
          expect(report.measures[id]).toMatchObject({
            mu: null,
            normalized: null,
            muCi95: null,
            status: 'converged',
            warning: 'the weights at initialization are not known: give initial, from snapshot',
          });
        else expect(report.measures[id]).toEqual(full.measures[id]);
      expect(report.distance).toBeNull();
      expect(report.warnings.join()).toContain('pacBayes.init, pacBayes.mag.init, pacBayes.mag.orig, sharpness.init');
      expect(report.toMarkdown()).toMatch(/\| pacBayes.init \| - \| - \|.*\|w - w0\| = -, /s);
    });
    expect(leaked).toBe(0);
    // The consistent dialect has no w0 in the denominators of the orig forms.
    const measures = ['pacBayes.mag.orig', 'sharpness.mag.init'] as const;
    const consistent = await measureFlatness(independent(2), data, { dialect: 'consistent', measures });
    expect(consistent.measures['pacBayes.mag.orig']!.mu).toBeGreaterThan(0);
    expect(consistent.measures['sharpness.mag.init']!.mu).toBeNull();
  });

  it('the report says how it was made, in its fields, in JSON and in the table', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    const options = {
      measures: ['pacBayes.flatness'],
      seed: 7,
      target: 0.2,
      scope: 'all',
      dialect: 'consistent',
    } as const;
    const report = await measureFlatness(independent(2), units(256), options);
    const setting = {
      view: 'float',
      scope: 'all',
      batchNorm: 'none',
      output: 'logits',
      dialect: 'consistent',
      m: 256,
      delta: 0.05,
      epsilon: 1e-3,
      target: 0.2,
      seed: 7,
      madeBy: `@qgen/measures ${version}`,
    };
    expect(report.setting).toEqual(setting);
    expect(JSON.parse(JSON.stringify(report)).setting).toEqual(setting);
    expect(report.toMarkdown()).toContain(
      `delta = 0.05, epsilon = 0.001, scope = all, batch normalization = none, output = logits, target = 0.2, seed = 7, made by @qgen/measures ${version}`,
    );
    expect(report.toMarkdown()).toMatch(/^m = 256, omega = 128/m);
  });

  it('many exact zeros are reported', async () => {
    const weights = Array.from({ length: 128 }, (_, k) => (k < 20 ? 0 : 1));
    const initial = await snapshot(independent());
    const report = await measureFlatness(independent(weights), units(128), {
      initial,
      measures: ['pacBayes.flatness'],
    });
    expect(report.zeroFraction).toBeCloseTo(20 / 128, 12);
    expect(report.warnings.at(-1)).toMatch(/^16 % of the weights are exactly 0/);
  });

  it('a snapshot of something else, or a measure that does not exist, is an error', async () => {
    const initial = await snapshot(smallNet());
    await expect(measureFlatness(independent(), units(8), { initial })).rejects.toThrow(
      /^measureFlatness: the snapshot has no counterpart/,
    );
    const options = { initial, measures: ['pacBayes'] } as unknown as MeasureFlatnessOptions;
    await expect(measureFlatness(independent(), units(8), options)).rejects.toThrow(/there is no measure 'pacBayes'/);
  });

  it('weights and statistics are bit-identical after success, failure and abort; nothing leaks', async () => {
    const initial = await snapshot(smallNet());
    await expectRestored(async (model, data, signal) => {
      const sigma = { maxExamples: 500 };
      const options = { initial, signal, batchSize: 9, sigma, alpha: { steps: 3, relativeTolerance: 0.1 } };
      const { searches } = await measureFlatness(model, data, options);
      if (Object.values(searches).some((search) => search?.status === 'aborted')) throw signal!.reason;
    });
  });

  it('snapshot leaves nothing behind', async () => {
    const model = smallNet();
    expect(await leakedTensors(() => snapshot(model))).toBe(0);
  });
});
