import * as Plot from '@observablehq/plot';
import type { LayerWeights, LossPoint } from './protocol';

const WIDTH = 500;

/** Training and test loss against steps; the gap is the band between them. A rule marks every change of bits. */
export function lossChart(points: readonly LossPoint[]): Element {
  const lines = points.flatMap(({ step, train, test }) => [
    { step, loss: train, split: 'training' },
    { step, loss: test, split: 'test' },
  ]);
  const changes = points.filter(({ bits }, i) => i > 0 && points[i - 1].bits !== bits);
  return Plot.plot({
    width: WIDTH,
    height: 240,
    x: { label: 'step' },
    y: { label: 'loss', grid: true, zero: true },
    color: { legend: true, domain: ['training', 'test'], range: ['#0072b2', '#d55e00'] },
    marks: [
      Plot.areaY(points, { x: 'step', y1: 'train', y2: 'test', z: null, fill: '#d55e00', fillOpacity: 0.15 }),
      Plot.lineY(lines, { x: 'step', y: 'loss', stroke: 'split' }),
      Plot.ruleX(changes, { x: 'step', stroke: '#888', strokeDasharray: '3 3' }),
      Plot.text(changes, { x: 'step', text: ({ bits }) => `${bits} bits`, frameAnchor: 'top', dx: 22, fill: '#555' }),
    ],
  });
}

export function stepChart(steps: readonly { readonly layer: string; readonly step: number }[]): Element {
  if (!steps.length) return message('In float there are no steps: choose 8 bits or fewer.');
  return Plot.plot({
    width: WIDTH,
    height: 60 + 34 * steps.length,
    marginLeft: 90,
    marginRight: 50,
    x: { label: 'step size s', grid: true, zero: true },
    y: { label: null, domain: steps.map(({ layer }) => layer) },
    marks: [
      Plot.barX(steps, { x: 'step', y: 'layer', fill: '#009e73' }),
      Plot.text(steps, { x: 'step', y: 'layer', text: ({ step }) => step.toPrecision(3), dx: 4, textAnchor: 'start' }),
    ],
  });
}

/** A histogram of the float weights; rules stand where the quantized values lie. */
export function weightChart({ weights, bins }: LayerWeights): Element {
  return Plot.plot({
    width: WIDTH,
    height: 220,
    x: { label: 'weight' },
    y: { label: 'count', grid: true },
    marks: [
      Plot.rectY(weights, {
        ...Plot.binX({ y: 'count' }, { x: (weight: number) => weight, thresholds: 60 }),
        fill: '#56b4e9',
      }),
      Plot.ruleX(bins.length <= 64 ? bins : [bins[0], bins[bins.length - 1]], { stroke: '#d55e00', strokeWidth: 1.5 }),
      Plot.ruleY([0]),
    ],
  });
}

export function probabilityChart(probabilities: readonly number[]): Element {
  const bars = probabilities.map((probability, digit) => ({ probability, digit }));
  return Plot.plot({
    width: 230,
    height: 150,
    x: { label: 'digit', type: 'band' },
    y: { label: 'probability', domain: [0, 1], ticks: 3 },
    marks: [Plot.barY(bars, { x: 'digit', y: 'probability', fill: '#0072b2' }), Plot.ruleY([0])],
  });
}

function message(text: string): Element {
  const element = document.createElement('p');
  element.textContent = text;
  return element;
}
