import * as Plot from '@observablehq/plot';
import { type Look, PRECISIONS } from '../protocol';
import { precisionColor, precisionName } from './precision';
import type { Size } from './sized';

/** Longer names of kernels are cut in the middle. */
const LONGEST = 14;
const shortName = (name: string) => (name.length <= LONGEST ? name : `${name.slice(0, 6)}…${name.slice(-7)}`);

/** The step sizes of every kernel at 8, 4 and 2 bits, on a logarithmic axis. */
export function stepChart(
  { kernels, looks }: { readonly kernels: readonly string[]; readonly looks: readonly Look[] },
  { width, height }: Size,
): Element {
  const dots = looks.flatMap(({ steps }, i) => steps.map((step, k) => ({ bits: PRECISIONS[i], kernel: k, step })));
  const spoken = looks.flatMap(({ steps }, i) =>
    steps.length ? `${precisionName(PRECISIONS[i])} ${steps.map((step) => step.toPrecision(3)).join(' ')}` : [],
  );
  return Plot.plot({
    width,
    height,
    marginLeft: 16 + 6 * Math.max(...kernels.map((name) => shortName(name).length)),
    marginRight: 16,
    marginBottom: 36,
    x: {
      label: 'step size s, logarithmic',
      labelArrow: 'none',
      labelAnchor: 'center',
      type: 'log',
      nice: true,
      ticks: Math.max(2, width / 90),
      tickFormat: (step: number) => String(Number(step.toPrecision(1))),
    },
    y: {
      type: 'band',
      label: null,
      domain: kernels.map((_, k) => k),
      tickSize: 0,
      tickFormat: (k: number) => shortName(kernels[k]),
    },
    ariaLabel: `Step sizes of ${kernels.join(', ')}: ${spoken.join(', ')}`,
    marks: [
      Plot.ruleY(
        kernels.map((_, k) => k),
        { y: (k: number) => k, stroke: 'currentColor', strokeOpacity: 0.15 },
      ),
      ...PRECISIONS.map((bits) =>
        Plot.dot(
          dots.filter((dot) => dot.bits === bits && dot.step > 0),
          { x: 'step', y: 'kernel', fill: precisionColor(bits), r: 6 },
        ),
      ),
      // Neighbours have their numbers on opposite sides.
      ...PRECISIONS.map((bits) =>
        Plot.text(
          dots.filter((dot) => dot.bits === bits && dot.step > 0),
          {
            x: 'step',
            y: 'kernel',
            text: ({ step }) => step.toPrecision(2),
            dy: bits === 4 ? 14 : -14,
            fill: 'currentColor',
          },
        ),
      ),
    ],
  });
}
