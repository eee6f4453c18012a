import * as Plot from '@observablehq/plot';
import { byName, leftOut, type PictureOptions, picture, requirePictureOptions } from '@qgen/core/plot';
import type { QuantizedWeight } from '../model/quantized-weights';

/** Bars of the histogram over its whole range. */
const BARS = 80;

/**
 * The weights of a kernel and the levels of its grid as an SVG: a histogram of the float weights that training updates, and a
 * red line at every level that they are rounded to, k s for k in qn..qp. What lies beyond the outer levels is clipped. Where a
 * kernel has several steps, every weight is shown in units of its own.
 *
 * @param weights one of `quantizedWeights(model)`, or several by name, one below the other on one scale
 * @throws TypeError for something else, RangeError for an unknown option or a size that is not above 0
 */
export async function plotWeights(
  weights: QuantizedWeight | Readonly<Record<string, QuantizedWeight>>,
  options: PictureOptions = {},
): Promise<string> {
  const caller = 'plotWeights';
  requirePictureOptions(caller, options);
  const isWeight = (value: object) => 'latent' in value && 'step' in value && 'qp' in value;
  const all = byName(caller, 'one of quantizedWeights(model)', weights, isWeight);
  const units = all.some(([, { axis }]) => axis !== null);
  const read = await Promise.all(
    all.map(async ([name, weight]) => {
      const { values, stepOf } = await valuesOf(weight);
      const shown = units ? values.map((w, i) => w / stepOf(i)) : values;
      const level = units ? 1 : stepOf(0);
      const levels = Array.from({ length: weight.qp - weight.qn + 1 }, (_, k) => (weight.qn + k) * level);
      return {
        name,
        values: shown.filter(Number.isFinite),
        lost: shown.filter((w) => !Number.isFinite(w)).length,
        levels,
      };
    }),
  );
  const reach = 1.05 * read.reduce((most, { values }) => values.reduce((m, w) => Math.max(m, Math.abs(w)), most), 0);
  const levels = read.flatMap(({ name, levels }) =>
    levels.filter((at) => Math.abs(at) <= reach).map((at) => ({ name, at })),
  );
  const many = all.length > 1;
  const facet = many ? { fy: 'name' } : {};
  const bars = read.flatMap(({ name, values }) => histogram(values, reach).map((bar) => ({ name, ...bar })));
  return picture({
    ...{ title: `Weights and bins: ${all[0]![1].name}`, width: 720, height: 130 + 150 * all.length, ...options },
    nothing: read.every(({ values }) => values.length === 0)
      ? 'No weight is finite.'
      : reach === 0
        ? 'All weights are 0.'
        : undefined,
    plot: {
      ...(many && { marginRight: 70, fy: { label: null, domain: all.map(([name]) => name) } }),
      x: { label: units ? 'weight / step' : 'weight', domain: [-reach, reach] },
      y: { label: 'weights' },
      marks: [
        Plot.rectY(bars, { ...facet, x1: 'from', x2: 'to', y: 'count', fill: '#0072b2' }),
        Plot.ruleX(levels, { ...facet, x: 'at', stroke: '#d55e00', strokeWidth: 0.8 }),
        Plot.ruleY([0]),
      ],
    },
    notes: leftOut(
      read.reduce((sum, { lost }) => sum + lost, 0),
      'weight',
    ),
  });
}

/** How many values lie in each of the bars between -reach and reach. */
function histogram(values: readonly number[], reach: number) {
  const width = (2 * reach) / BARS;
  const counts = new Array<number>(BARS).fill(0);
  for (const value of values) counts[Math.min(BARS - 1, Math.floor((value + reach) / width))]!++;
  return counts.map((count, i) => ({ from: i * width - reach, to: (i + 1) * width - reach, count }));
}

/** The float weights, and the step of the i-th of them. */
async function valuesOf({ latent, step, axis, viewShape }: QuantizedWeight) {
  const steps = (await step.data()) as Float32Array;
  const inner = axis === null ? 1 : viewShape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const stepOf = (i: number) => Math.abs(axis === null ? steps[0]! : steps[Math.floor(i / inner) % viewShape[axis]!]!);
  return { values: Array.from((await latent.data()) as Float32Array), stepOf };
}
