import * as Plot from '@observablehq/plot';
import { byName, leftOut, type PictureOptions, picture, requirePictureOptions } from '@qgen/core/plot';
import type { CorruptionReportData } from '../report/report';

/** Panels in a row, and the size of one. */
const ACROSS = 5;
const PANEL = { width: 176, height: 150 } as const;

/**
 * The gap under every corruption as an SVG: a panel for each, the severity from left to right, with a bar of one standard
 * error; dashed, the gap on clean images. Lower is better. Without a training loss it is the loss instead of the gap.
 *
 * @param reports one result of `corruptionReport` (or what its JSON holds), or several by name
 * @throws TypeError for something else, or gaps beside reports without; RangeError for an unknown option or a size that is
 * not above 0
 */
export function plotCorruptions(
  reports: CorruptionReportData | Readonly<Record<string, CorruptionReportData>>,
  options: PictureOptions = {},
): string {
  const caller = 'plotCorruptions';
  requirePictureOptions(caller, options);
  const isReport = (value: object) => 'results' in value && 'clean' in value && Array.isArray(value.results);
  const all = byName(caller, 'a result of corruptionReport', reports, isReport);
  const withGap = all.filter(([, { clean }]) => clean.gap !== undefined).length;
  if (withGap > 0 && withGap < all.length)
    throw new TypeError(
      `${caller}: gaps and losses don't compare, and ${all.length - withGap} of ${all.length} reports have no gap; give all of them trainLoss`,
    );
  const corruptions = [...new Set(all.flatMap(([, { results }]) => results.map(({ corruption }) => corruption)))];
  const place = (corruption: string) => {
    const at = corruptions.indexOf(corruption as (typeof corruptions)[number]);
    return { column: at % ACROSS, row: Math.floor(at / ACROSS) };
  };
  const cells = all.flatMap(([name, { results }]) =>
    results.map(({ corruption, severity, ...result }) => {
      const value = withGap ? result.gap! : result.loss;
      const error = (withGap ? result.gapStandardError : result.lossStandardError) ?? Number.NaN;
      return { name, ...place(corruption), severity, value, low: value - error, high: value + error };
    }),
  );
  const seen = cells.filter(({ value }) => Number.isFinite(value));
  const clean = all.flatMap(([name, { clean }]) =>
    corruptions.map((corruption) => ({ name, ...place(corruption), value: withGap ? clean.gap! : clean.loss })),
  );
  const severities = [...new Set(cells.map(({ severity }) => severity))].sort((a, b) => a - b);
  const columns = Math.min(ACROSS, corruptions.length);
  const rows = Math.ceil(corruptions.length / ACROSS);
  const panel = { fx: 'column', fy: 'row' } as const;
  const what = withGap ? 'generalization gap' : 'loss';
  return picture({
    ...{
      title: `The ${what} on corrupted images`,
      width: Math.max(420, 90 + PANEL.width * columns),
      height: 110 + PANEL.height * rows,
      ...options,
    },
    names: all.map(([name]) => name),
    nothing: seen.length > 0 ? undefined : `No ${what} on corrupted images is finite.`,
    plot: {
      x: { type: 'point', domain: severities, label: 'severity', tickFormat: 'd' },
      y: { label: `${what} (nats)`, grid: true, nice: true, ticks: 4 },
      fx: { axis: null },
      fy: { axis: null },
      marks: [
        Plot.text(corruptions, {
          fx: (name) => place(name).column,
          fy: (name) => place(name).row,
          ...{ text: (name: string) => name.replaceAll('_', ' '), frameAnchor: 'top', dy: -10, fontWeight: 'bold' },
        }),
        Plot.ruleY(
          clean.filter(({ value }) => Number.isFinite(value)),
          { ...panel, y: 'value', stroke: 'name', strokeDasharray: '4,4' },
        ),
        Plot.ruleX(
          seen.filter(({ low }) => Number.isFinite(low)),
          { ...panel, x: 'severity', y1: 'low', y2: 'high', stroke: 'name' },
        ),
        Plot.lineY(cells, { ...panel, x: 'severity', y: 'value', stroke: 'name', marker: 'dot' }),
      ],
    },
    notes: leftOut(cells.length - seen.length, 'value'),
  });
}
