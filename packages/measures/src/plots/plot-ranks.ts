import * as Plot from '@observablehq/plot';
import { kendallTau } from '@qgen/core';
import { type PictureOptions, picture, requirePictureOptions } from '@qgen/core/plot';
import { type Cell, type Field, readPool } from '../rank/pool';

export interface PlotRanksOptions<Row> extends PictureOptions {
  readonly measure: Field<Row, Cell>;
  readonly gap: Field<Row, Cell>;
  /** The name of a hyper-parameter whose settings have a colour each. */
  readonly colour?: string;
}

/**
 * The pool of models behind `rankMeasures` as an SVG: a dot for every model, by the rank of its measure and of its gap (1 is
 * the smallest; ties share the mean of their ranks). Dots along the rising diagonal: the measure orders models as their gaps
 * do. Kendall's tau a stands below.
 *
 * @throws TypeError for rows or fields of another form, RangeError for an unknown option, a size that is not above 0, or a
 * field that a row does not have
 */
export function plotRanks<Row>(rows: readonly Row[], options: PlotRanksOptions<Row>): string {
  const caller = 'plotRanks';
  const { measure, gap, colour, ...shape } = options ?? {};
  requirePictureOptions(caller, options, ['measure', 'gap', 'colour']);
  const { points, excluded } = readPool(rows, { measure, gap, axes: colour === undefined ? [] : [colour] }, caller);
  const x = ranks(points.map((point) => point.measure));
  const y = ranks(points.map((point) => point.gap));
  const dots = points.map(({ settings }, i) => ({ name: `${settings[0] ?? ''}`, x: x[i]!, y: y[i]! }));
  const { tauA } = kendallTau(x, y);
  const named = (field: unknown, otherwise: string) => (typeof field === 'string' ? field : otherwise);
  return picture({
    ...{ title: `${named(measure, 'measure')} and ${named(gap, 'gap')} by rank`, width: 400, height: 400, ...shape },
    names: [...new Set(dots.map(({ name }) => name))],
    nothing: points.length > 0 ? undefined : 'No model has both a measure and a gap.',
    plot: {
      x: { label: `rank of ${named(measure, 'the measure')}`, domain: [0.5, points.length + 0.5], tickFormat: 'd' },
      y: { label: `rank of ${named(gap, 'the gap')}`, domain: [0.5, points.length + 0.5], tickFormat: 'd', grid: true },
      marks: [
        Plot.line(
          [
            [1, 1],
            [points.length, points.length],
          ],
          { strokeDasharray: '4,4', strokeOpacity: 0.4 },
        ),
        Plot.dot(dots, { x: 'x', y: 'y', fill: 'name', r: 4, fillOpacity: 0.8 }),
      ],
    },
    notes: [
      ...(points.length > 1 ? [`tau = ${tauA.toFixed(3)} over ${points.length} models`] : []),
      ...(excluded > 0 ? [`${excluded} without a measure or a gap left out.`] : []),
    ],
  });
}

/** The place of every value in the sorted order, from 1; of equal values the mean of their places. */
function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}
