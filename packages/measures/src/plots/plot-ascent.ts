import * as Plot from '@observablehq/plot';
import { byName, leftOut, type PictureOptions, picture, requirePictureOptions } from '@qgen/core/plot';
import type { AlphaResult } from '../search/alpha/find-alpha';

/**
 * The trajectory of the ascent behind an alpha as an SVG: the accuracy after every step of the adversary, in the box nearest
 * to alpha; dashed, the accuracy less the target. The lower the line gets, the more harm there is in the box.
 *
 * @param results one result of `findAlpha`, or several by name
 * @throws TypeError for something else, RangeError for an unknown option or a size that is not above 0
 */
export function plotAscent(
  results: AlphaResult | Readonly<Record<string, AlphaResult>>,
  options: PictureOptions = {},
): string {
  const caller = 'plotAscent';
  requirePictureOptions(caller, options);
  const all = byName(caller, 'a result of findAlpha', results, (value) => 'ascentSteps' in value);
  const steps = all.flatMap(([name, { ascentSteps }]) =>
    ascentSteps.map(({ accuracy }, i) => ({ name, step: i + 1, accuracy })),
  );
  const seen = steps.filter(({ accuracy }) => Number.isFinite(accuracy));
  const levels = all.map(([name, { accuracy, target }]) => ({ name, level: accuracy - target }));
  return picture({
    ...{ title: 'The ascent nearest to α', width: 720, height: 320, ...options },
    names: all.map(([name]) => name),
    nothing: seen.length > 0 ? undefined : `No ascent was made: ${all.map(([, { status }]) => status).join(', ')}.`,
    plot: {
      x: { label: 'step', tickFormat: 'd', ticks: Math.min(10, Math.max(1, ...seen.map(({ step }) => step))) },
      y: { label: 'accuracy', grid: true },
      marks: [
        Plot.ruleY(
          levels.filter(({ level }) => Number.isFinite(level)),
          { y: 'level', stroke: 'name', strokeDasharray: '4,4' },
        ),
        Plot.lineY(seen, { x: 'step', y: 'accuracy', stroke: 'name', marker: 'dot' }),
      ],
    },
    notes: leftOut(steps.length - seen.length, 'step'),
  });
}
