import * as Plot from '@observablehq/plot';
import { type Bits, type KernelWeights, PRECISIONS } from '../protocol';
import { precisionColor, precisionName } from './precision';
import type { Size } from './sized';

const COLUMNS = 40;
/** Rules closer than this many pixels would hide the bars, and are drawn short. */
const DENSE = 6;
/** Pixels below which the axis has three numbers. */
const NARROW = 220;

/** One network's share of the comparison of four: the axes are those of all. */
export interface WeightChart {
  readonly bits: Bits;
  readonly bins: readonly number[];
  readonly counts: readonly number[];
  readonly range: readonly [number, number];
  readonly most: number;
}

/** Histograms of the float weights of each network over one range, in the order of `PRECISIONS`. */
export function weightCharts(kernels: readonly KernelWeights[]): WeightChart[] {
  let largest = 0;
  for (const { weights } of kernels)
    for (const w of weights) if (Number.isFinite(w)) largest = Math.max(largest, Math.abs(w));
  largest ||= 1;
  const histograms = kernels.map(({ weights }) => {
    const counts = new Array<number>(COLUMNS).fill(0);
    for (const w of weights)
      if (Number.isFinite(w)) counts[Math.min(COLUMNS - 1, Math.floor(((w + largest) / (2 * largest)) * COLUMNS))]++;
    return counts;
  });
  const most = Math.max(...histograms.flat());
  return kernels.map(({ bins }, i) => ({
    bits: PRECISIONS[i],
    bins: bins.filter((bin) => Math.abs(bin) <= largest),
    counts: histograms[i],
    range: [-largest, largest],
    most,
  }));
}

/** A histogram of the float weights; rules stand where the quantized values lie. */
export function weightChart({ bits, bins, counts, range, most }: WeightChart, { width, height }: Size): Element {
  const [low, high] = range;
  const column = (high - low) / COLUMNS;
  const bars = counts.map((count, i) => ({ count, from: low + i * column, to: low + (i + 1) * column }));
  const spacing = width / Math.max(1, bins.length);
  return Plot.plot({
    width,
    height,
    marginLeft: 34,
    marginRight: 8,
    marginTop: 22,
    marginBottom: 34,
    x: {
      label: 'weight',
      labelArrow: 'none',
      domain: range,
      ticks: width < NARROW ? [-1, 0, 1].map((side) => side * Number((0.7 * high).toPrecision(1))) : width / 70,
    },
    y: { label: 'count', labelArrow: 'none', domain: [0, most], ticks: 3, grid: true },
    ariaLabel: `${precisionName(bits)}: histogram of the weights from ${low.toPrecision(2)} to ${high.toPrecision(2)}${bins.length ? `, quantized to ${bins.length} values in that range` : ', which are not quantized'}`,
    marks: [
      Plot.rectY(bars, { x1: 'from', x2: 'to', y: 'count', fill: precisionColor(bits), fillOpacity: 0.55, inset: 0.5 }),
      Plot.ruleX(bins, {
        y2: spacing < DENSE ? 0.08 * most : most,
        stroke: 'currentColor',
        strokeWidth: Math.min(1.5, spacing / 3),
        strokeOpacity: 0.8,
      }),
      Plot.ruleY([0], { stroke: 'currentColor' }),
    ],
  });
}
