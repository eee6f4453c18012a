import * as Plot from '@observablehq/plot';
import { type Bits, type LossPoint, PRECISIONS } from '../protocol';
import { placeholder } from './placeholder';
import { precisionColor, precisionName } from './precision';
import type { Size } from './sized';

/** The losses of each network so far, in the order of `PRECISIONS`. */
export type Histories = readonly (readonly LossPoint[])[];

interface Curve {
  readonly bits: Bits;
  readonly step: number;
  readonly value: number;
  readonly split: string;
}

/** Training loss (dashed) and test loss against steps. */
export function lossChart(histories: Histories, size: Size): Element {
  const curves = histories.flatMap((points, i) =>
    points.flatMap(({ step, train, test }) => [
      { bits: PRECISIONS[i], step, value: train, split: 'training' },
      { bits: PRECISIONS[i], step, value: test, split: 'test' },
    ]),
  );
  return curveChart(curves, size, 'loss: lower is better', 'Test loss', ({ test }) => test, histories);
}

/** Test loss less training loss against steps. */
export function gapChart(histories: Histories, size: Size): Element {
  const curves = histories.flatMap((points, i) =>
    points.map(({ step, train, test }) => ({ bits: PRECISIONS[i], step, value: test - train, split: 'test' })),
  );
  return curveChart(curves, size, 'gap: lower is better', 'Gap', ({ test, train }) => test - train, histories);
}

function curveChart(
  curves: readonly Curve[],
  { width, height }: Size,
  label: string,
  name: string,
  number: (point: LossPoint) => number,
  histories: Histories,
): Element {
  const finite = curves.filter(({ value }) => Number.isFinite(value));
  if (!histories.every(({ length }) => length > 1)) return placeholder('Press Train to see the curves.');
  const last = histories.map((points, i) => {
    const point = points[points.length - 1];
    return `${precisionName(PRECISIONS[i])} ${number(point).toFixed(3)}`;
  });
  return Plot.plot({
    width,
    height,
    marginLeft: 36,
    marginBottom: 34,
    marginRight: 10,
    x: { label: 'step', labelArrow: 'none', ticks: Math.max(3, width / 90) },
    y: { label: `${label} ↓`, labelArrow: 'none', grid: true, zero: true, ticks: height / 45 },
    ariaLabel: `${name} at step ${histories[0][histories[0].length - 1].step}: ${last.join(', ')}`,
    marks: PRECISIONS.flatMap((bits) =>
      ['training', 'test'].map((split) =>
        Plot.lineY(
          finite.filter((curve) => curve.bits === bits && curve.split === split),
          {
            x: 'step',
            y: 'value',
            stroke: precisionColor(bits),
            strokeWidth: split === 'test' ? 2 : 1.5,
            strokeDasharray: split === 'test' ? undefined : '2 3',
          },
        ),
      ),
    ),
  });
}
