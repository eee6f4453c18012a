import * as Plot from '@observablehq/plot';
import { PRECISIONS, type Sigma } from '../protocol';
import { placeholder } from './placeholder';
import { precisionColor, precisionName } from './precision';
import type { Size } from './sized';

/** Why there is no value, in a few words. */
const WITHOUT_VALUE: { readonly [S in Sigma['status']]: string } = {
  converged: '',
  budget: 'not found in time',
  aborted: 'stopped',
  unreachable: 'too near chance to measure',
  'saturated-low': 'below all that was tried',
  'saturated-high': 'above all that was tried',
};

/** Sigma of each network with its 95 % interval, in the order of `PRECISIONS`. */
export function sigmaChart(sigmas: readonly Sigma[], { width, height }: Size): Element {
  if (!sigmas.length) return placeholder('Measured after training.');
  const rows = sigmas.map(({ value, ci95, status }, i) => ({
    bits: PRECISIONS[i],
    value,
    low: ci95?.[0],
    high: ci95 && Number.isFinite(ci95[1]) ? ci95[1] : undefined,
    text: sigmaText({ value, ci95, status }),
  }));
  const found = rows.filter(({ value }) => value !== null);
  return Plot.plot({
    width,
    height,
    marginLeft: 46,
    marginRight: 16,
    marginTop: 22,
    marginBottom: 36,
    x: {
      label: 'σ: larger is flatter →',
      labelArrow: 'none',
      labelAnchor: 'center',
      domain: [0, 1.1 * Math.max(1e-6, ...found.map(({ value, high }) => high ?? value!))],
      grid: true,
      ticks: Math.max(2, width / 80),
    },
    y: { label: null, domain: PRECISIONS, tickSize: 0, tickFormat: (bits: number) => `${bits} bits` },
    ariaLabel: `Sigma with its 95 percent interval: ${rows.map(({ bits, text }) => `${precisionName(bits)} ${text}`).join(', ')}`,
    marks: [
      Plot.text(rows, {
        x: 0,
        y: 'bits',
        text: 'text',
        dx: 4,
        dy: -13,
        textAnchor: 'start',
        fill: 'currentColor',
      }),
      ...found.flatMap((row) => [
        Plot.ruleY([row], { x1: 'low', x2: 'high', y: 'bits', stroke: precisionColor(row.bits), strokeWidth: 3 }),
        Plot.dot([row], { x: 'value', y: 'bits', fill: precisionColor(row.bits), r: 5 }),
      ]),
    ],
  });
}

/** "0.053 [0.049, 0.058]", or why there is none. */
function sigmaText({ value, ci95, status }: Sigma): string {
  if (value === null) return WITHOUT_VALUE[status];
  // Two digits of the interval's width.
  const [low, high] = ci95 ?? [value, 1.1 * value];
  const digits = Number.isFinite(high) ? Math.max(0, 1 - Math.floor(Math.log10(high - low))) : 3;
  const text = (x: number) => (Number.isFinite(x) ? x.toFixed(digits) : '∞');
  return ci95 ? `${text(value)} [${text(low)}, ${text(high)}]` : text(value);
}
