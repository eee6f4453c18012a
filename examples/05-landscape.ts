/** The loss landscape of a float network and its 2-bit twin along one filter-normalized direction, drawn to an SVG. */
import { mkdirSync, writeFileSync } from 'node:fs';
import * as Plot from '@observablehq/plot';
import { quantizeModel } from '@qgen/lsq';
import { lossLandscape } from '@qgen/measures';
import { parseHTML } from 'linkedom';
import { digits, smallNetwork, trained } from './shared/digits';

const data = await digits();
const models = {
  float: await trained(smallNetwork(), data, 6),
  '2 bits': await trained(await quantizeModel(smallNetwork(), { bits: 2, firstLast: 'same' }), data, 6),
};
const points: { readonly model: string; readonly x: number; readonly loss: number }[] = [];
for (const [name, model] of Object.entries(models)) {
  // The same seed is the same direction for both.
  const { x, loss } = await lossLandscape(model, data.train, { seed: 1 });
  points.push(...x.map((at, i) => ({ model: name, x: at, loss: loss[i] })));
}

const { document } = parseHTML('<!doctype html><html><body></body></html>');
const figure = Plot.plot({
  document: document as unknown as Document,
  x: { label: 'distance along the direction, in units of the filters' },
  y: { label: 'training loss', grid: true, zero: true },
  color: { legend: false, domain: Object.keys(models) },
  marks: [
    Plot.lineY(points, { x: 'x', y: 'loss', stroke: 'model', strokeWidth: 2 }),
    Plot.text(points, Plot.selectLast({ x: 'x', y: 'loss', z: 'model', text: 'model', dx: -24, fill: 'model' })),
  ],
});
figure.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
mkdirSync('results', { recursive: true });
writeFileSync('results/landscape.svg', figure.outerHTML);
console.log('wrote results/landscape.svg: the slower the loss rises on both sides of 0, the flatter the minimum');
