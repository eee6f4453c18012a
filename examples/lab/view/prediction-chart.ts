import * as Plot from '@observablehq/plot';
import type { Bits } from '../protocol';
import { precisionColor, precisionName } from './precision';
import type { Size } from './sized';

export interface Prediction {
  readonly bits: Bits;
  readonly probabilities: readonly number[];
}

/** The digit that a network takes a picture for. */
export function predicted(probabilities: readonly number[]): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** The probability of each digit; the one that the network takes the picture for is filled. */
export function predictionChart({ bits, probabilities }: Prediction, { width, height }: Size): Element {
  const best = predicted(probabilities);
  const bars = probabilities.map((probability, digit) => ({ probability, digit }));
  return Plot.plot({
    width,
    height,
    marginLeft: 30,
    marginRight: 4,
    marginTop: 22,
    marginBottom: 24,
    x: { label: null, type: 'band', tickSize: 0 },
    y: {
      label: 'probability',
      labelArrow: 'none',
      domain: [0, 1],
      ticks: [0, 0.5, 1],
      tickFormat: (p: number) => String(p),
      grid: true,
    },
    ariaLabel: `${precisionName(bits)}: ${bars.map(({ digit, probability }) => `${digit} ${(100 * probability).toFixed(0)} %`).join(', ')}`,
    marks: [
      Plot.barY(bars, {
        x: 'digit',
        y: 'probability',
        fill: precisionColor(bits),
        fillOpacity: ({ digit }) => (digit === best ? 1 : 0.4),
        inset: 1,
      }),
      Plot.ruleY([0], { stroke: 'currentColor' }),
    ],
  });
}
