import { compareModels, findAlpha, findSigma, generalizationGap, measureFlatness, rankMeasures } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../test/backends';
import { displayOf } from '../../../test/display';
import { independent, units } from './independent';

describe('in a notebook', () => {
  beforeAll(() => useBackend('wasm'));

  it('a search for sigma shows the value, its interval, how it ended and what it cost', async () => {
    const found = await findSigma(independent(), units(128), { relativeTolerance: 0.2 });
    const { plain, html } = displayOf(found);
    const four = (value: number) => value.toPrecision(4);
    const rows = plain.split('\n');
    expect(rows[0]).toMatch(/^ *sigma +95 % +status +accuracy$/);
    expect(rows[1]).toBe(
      `${four(found.value!)}  ${found.ci95!.map(four).join(' … ')}  converged    ${found.accuracy.toFixed(4)}`,
    );
    expect(plain).toContain(`fast: ${found.draws} draws, `);
    expect(html).toContain(`<td style="text-align:right">${four(found.value!)}</td>`);
  });

  it('a search without a value shows a dash and why', async () => {
    const { xs, ys, shape } = units(256);
    const found = await findSigma(independent(), { xs, shape, ys: ys.map((_, i) => i % 2) });
    expect(displayOf(found).plain.split('\n')[1]).toMatch(/^ +- +unreachable +0\.5\d{3}$/);
  });

  it('a search for alpha shows its bracket, and the steps of its ascents', async () => {
    const found = await findAlpha(independent(), units(128), { magnitudeAware: true });
    const { plain } = displayOf(found);
    expect(plain.split('\n')[0]).toMatch(/alpha' +bracket +status/);
    expect(plain).toContain(`signPGD: ${found.draws} steps, `);
  });

  it('a report of flatness shows what toMarkdown writes, and says in JSON what it said', async () => {
    const report = await measureFlatness(independent(), units(128), {
      measures: ['pacBayes.flatness'],
      sigma: { relativeTolerance: 0.2 },
    });
    const { markdown, html } = displayOf(report);
    expect(markdown).toBe(report.toMarkdown());
    expect(html).toContain('<td style="text-align:left">pacBayes.flatness</td>');
    expect(displayOf(report.searches.sigma!).plain).toContain('sigma');
    expect(JSON.parse(JSON.stringify(report))).toEqual(JSON.parse(JSON.stringify(report.toJSON())));
  });

  it('a comparison has a row for every model, with its paired interval', async () => {
    const result = await compareModels({ one: independent(1), two: independent(2) }, units(128), { draws: 128 });
    const [head, one, two] = displayOf(result).plain.split('\n');
    expect(head).toMatch(/^model +sigma +ratio to one +95 % +accuracy +view +status$/);
    expect(one).toMatch(/^one +\S+ +1\.000 +1\.0000 +float +measured$/);
    expect(two).toMatch(/^two +\S+ +2\.000 +2\.000 … 2\.000 +1\.0000 +float +measured$/);
  });

  it('a gap shows loss and accuracy on both sets, of a regression the loss alone', async () => {
    const gap = await generalizationGap(independent(), units(128), units(64));
    const [head, loss, accuracy] = displayOf(gap).plain.split('\n');
    expect(head).toMatch(/^ +train +test +gap +95 %$/);
    expect(loss).toMatch(/^loss +\d/);
    expect(accuracy).toMatch(/^accuracy +1\.0000 +1\.0000 ± 0\.0000 +0\.0000 ± 0\.0000/);
    const { xs, shape } = units(128);
    const regression = { ...independent(), output: 'regression' } as const;
    const ys = tf.zeros([128, 2]);
    const { plain } = displayOf(await generalizationGap(regression, { xs, ys, shape }, { xs, ys, shape }));
    expect(plain).not.toContain('accuracy');
  });

  it('a ranking has a row for every measure, best first', async () => {
    const rows = [1, 2, 3, 4].map((i) => ({ good: i, bad: -i, gap: i, hp: { width: i % 2 } }));
    const plainOf = async (axes?: string[]) =>
      displayOf(await rankMeasures(rows, { measures: ['bad', 'good'], gap: 'gap', axes, resamples: 0 })).plain.split(
        '\n',
      );
    expect((await plainOf()).slice(0, 3)).toEqual([
      'measure     tau  95 %  models  left out',
      'good      1.000             4         0',
      'bad      -1.000             4         0',
    ]);
    expect((await plainOf(['width']))[0]).toMatch(/granulated +information +sign error \(mean\) +\(max\)/);
  });
});
