import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { TrialResult } from '../folder/result';
import { precisionName } from '../plan/setting';
import { meansOf, precisionsOf, unitsOf } from './pairing';
import { GAP, type NamedQuantity, present, SCALES } from './quantities';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

const COLOURS: Readonly<Record<string, string>> = {
  FP32: '#4c566a',
  Int8: '#0072b2',
  Int4: '#009e73',
  Int2: '#d55e00',
};
const FURTHER = ['#cc79a7', '#56b4e9', '#e69f00', '#8c6bb1', '#a6761d'];

/** The colour of every precision, the same in all figures. */
export function coloursOf(results: readonly TrialResult[]): ReadonlyMap<string, string> {
  const names = precisionsOf(results).map(precisionName);
  const further = names.filter((name) => !COLOURS[name]);
  return new Map(names.map((name) => [name, COLOURS[name] ?? FURTHER[further.indexOf(name) % FURTHER.length]!]));
}

/** A quantity against the precision: a dot for every training, joined within seed and setting, and the mean with its interval. */
function byPrecision(results: readonly TrialResult[], { title, of, better }: NamedQuantity, width: number): string {
  const names = precisionsOf(results).map(precisionName);
  const dots = unitsOf(results, of).flatMap(({ name, values }) =>
    [...values].map(([bits, value]) => ({ unit: name, bits, name: precisionName(bits), value })),
  );
  const means = meansOf(results, of).map((each) => ({ ...each, name: precisionName(each.bits) }));
  const colours = coloursOf(results);
  const colour = (d: { readonly name: string }) => colours.get(d.name)!;
  return plot({
    title,
    caption: `${better === 'larger' ? 'Larger is flatter.' : 'Smaller is better.'} Grey: trainings, joined within seed and setting. Bars: 95 % interval of the mean.`,
    width,
    height: 280,
    marginLeft: 52,
    x: { domain: names, label: 'precision', type: 'point', padding: 0.5 },
    y: { label: title, grid: true, nice: true, tickFormat: '~g' },
    marks: [
      Plot.lineY(
        [...dots].sort((a, b) => b.bits - a.bits),
        { x: 'name', y: 'value', z: 'unit', stroke: '#999', strokeOpacity: 0.35 },
      ),
      Plot.dot(dots, { x: 'name', y: 'value', r: 1.8, fill: '#999', fillOpacity: 0.6 }),
      Plot.ruleX(
        means.filter(({ interval }) => interval),
        { x: 'name', y1: (d) => d.interval[0], y2: (d) => d.interval[1], stroke: colour, strokeWidth: 2.5 },
      ),
      Plot.dot(
        means.filter(({ mean }) => Number.isFinite(mean)),
        { x: 'name', y: 'mean', fill: colour, r: 5 },
      ),
    ],
  });
}

export const gapFigure = (results: readonly TrialResult[]): string => byPrecision(results, GAP, 510);

export function scaleFigures(results: readonly TrialResult[]): string {
  return present(results, SCALES)
    .filter(({ title }) => !title.includes('latent'))
    .map((quantity) => byPrecision(results, quantity, 335))
    .join('');
}

/** Training loss by epoch: the median over trainings and their quartiles. */
export function lossFigure(results: readonly TrialResult[]): string {
  const colours = coloursOf(results);
  const points = precisionsOf(results).flatMap((bits) => {
    const histories = results.flatMap(({ bits: own, numbers }) =>
      own === bits && numbers ? [numbers.history.trainLoss] : [],
    );
    const epochs = Math.max(0, ...histories.map(({ length }) => length));
    return Array.from({ length: epochs }, (_, epoch) => {
      const losses = histories.flatMap((history) => history[epoch] ?? []).sort((a, b) => a - b);
      const at = (share: number) => Math.max(1e-5, losses[Math.round(share * (losses.length - 1))]!);
      return { name: precisionName(bits), epoch: epoch + 1, low: at(0.25), middle: at(0.5), high: at(0.75) };
    });
  });
  const colour = (d: { readonly name: string }) => colours.get(d.name)!;
  return plot({
    title: 'Training loss by epoch',
    caption: 'Median over trainings and quartiles, inference mode; the weights of the lowest point are kept.',
    width: 510,
    height: 280,
    marginLeft: 52,
    x: { label: 'epoch' },
    y: { label: 'training loss', grid: true, type: 'log', tickFormat: '~g' },
    marks: [
      Plot.areaY(points, { x: 'epoch', y1: 'low', y2: 'high', z: 'name', fill: colour, fillOpacity: 0.15 }),
      Plot.lineY(points, { x: 'epoch', y: 'middle', z: 'name', stroke: colour, strokeWidth: 2 }),
    ],
  });
}

/** The learned steps of the layers, as in the first figure of the paper. */
export function stepFigure(results: readonly TrialResult[]): string {
  const layers = [...new Set(results.flatMap(({ numbers }) => numbers?.stepSizes.map(({ layer }) => layer) ?? []))];
  if (layers.length === 0) return '';
  const colours = coloursOf(results);
  const colour = (d: { readonly name: string }) => colours.get(d.name)!;
  const points = layers.flatMap((layer) =>
    meansOf(results, ({ numbers }) => {
      const step = numbers!.stepSizes.find((each) => each.layer === layer)?.step;
      return step ? Math.log(step) : null;
    })
      .filter(({ mean }) => Number.isFinite(mean))
      .map(({ bits, mean, interval }) => ({
        layer,
        name: precisionName(bits),
        step: Math.exp(mean),
        low: Math.exp(interval?.[0] ?? mean),
        high: Math.exp(interval?.[1] ?? mean),
      })),
  );
  return plot({
    title: 'Learned step size per layer',
    caption: 'Geometric mean over trainings, with its 95 % interval.',
    width: 1030,
    height: 300,
    marginLeft: 52,
    marginBottom: 40,
    x: { label: 'layer', domain: layers },
    y: { label: 'step size', type: 'log', grid: true, tickFormat: '~g', ticks: 6 },
    marks: [
      Plot.lineY(points, { x: 'layer', y: 'step', z: 'name', stroke: colour, strokeWidth: 1.5 }),
      Plot.ruleX(points, { x: 'layer', y1: 'low', y2: 'high', stroke: colour }),
      Plot.dot(points, { x: 'layer', y: 'step', fill: colour, r: 4 }),
    ],
  });
}

/** The loss along one random direction, all precisions side by side on one scale. */
export function landscapeFigure(results: readonly TrialResult[]): string {
  const lines = results.flatMap(({ numbers, bits, id }) =>
    (numbers?.landscape?.x ?? []).map((x, i) => ({
      ...{ id, x, name: precisionName(bits) },
      rise: numbers!.landscape!.loss[i]! - Math.min(...numbers!.landscape!.loss),
    })),
  );
  if (lines.length === 0) return '';
  const colours = coloursOf(results);
  return plot({
    title: 'Loss along a random direction',
    caption:
      'Rise of the training loss above its lowest point at w + x d, d random and scaled to the weights filter by filter, the same for all precisions of a setting. One line a training; a slower rise is flatter.',
    width: 1030,
    height: 280,
    marginLeft: 52,
    fx: { domain: precisionsOf(results).map(precisionName), label: null },
    x: { label: 'x' },
    y: { label: 'rise of the loss', grid: true },
    marks: [
      Plot.lineY(lines, {
        x: 'x',
        y: 'rise',
        z: 'id',
        fx: 'name',
        stroke: (d: { readonly name: string }) => colours.get(d.name)!,
        strokeOpacity: 0.45,
        clip: true,
      }),
    ],
  });
}

/** The gap under every distortion by severity. */
export function distortionFigures(results: readonly TrialResult[]): string {
  const cells = results.find(({ numbers }) => numbers?.distorted)?.numbers?.distorted ?? [];
  const severities = [...new Set(cells.map(({ severity }) => severity))];
  const colours = coloursOf(results);
  const colour = (d: { readonly name: string }) => colours.get(d.name)!;
  return [...new Set(cells.map(({ name }) => name))]
    .map((distortion) => {
      const points = severities.flatMap((severity) =>
        meansOf(
          results,
          ({ numbers }) =>
            numbers!.distorted?.find((each) => each.name === distortion && each.severity === severity)?.gap,
        ).map(({ bits, mean }) => ({ name: precisionName(bits), severity, mean })),
      );
      return plot({
        title: distortion,
        width: 248,
        height: 190,
        marginLeft: 40,
        x: { label: 'severity', ticks: severities, tickFormat: 'd' },
        y: { label: 'gap', grid: true, nice: true },
        marks: [
          Plot.lineY(points, { x: 'severity', y: 'mean', z: 'name', stroke: colour, strokeWidth: 2, marker: 'dot' }),
        ],
      });
    })
    .join('');
}

function plot(options: Plot.PlotOptions): string {
  const figure = Plot.plot({ document: document as unknown as Document, ...options });
  return `<div style="width:${options.width}px;max-width:100%">${figure.outerHTML}</div>`;
}
