import * as Plot from '@observablehq/plot';
import { shown } from '@qgen/core';
import { byName, leftOut, type PictureOptions, picture, requirePictureOptions } from '@qgen/core/plot';
import type { LossLine, LossPlane } from '../landscape/loss-landscape';

/** Levels of the contours, evenly spaced in the logarithm of the loss. */
const LEVELS = 12;

/**
 * The loss around a minimum as an SVG: curves along a line, or contours over a plane, side by side with one scale of
 * colours for all. A slower rise away from 0 is flatter. Where the loss is not positive (or not finite) a plane has a hole.
 *
 * @param landscapes one result of `lossLandscape`, or several by name: all lines or all planes
 * @throws TypeError for something else, or lines among planes; RangeError for an unknown option or a size not above 0
 */
export function plotLandscape(
  landscapes: LossLine | LossPlane | Readonly<Record<string, LossLine>> | Readonly<Record<string, LossPlane>>,
  options: PictureOptions = {},
): string {
  const caller = 'plotLandscape';
  requirePictureOptions(caller, options);
  const all = byName<LossLine | LossPlane>(
    caller,
    'a result of lossLandscape',
    landscapes as LossLine | LossPlane,
    (value) => 'lengths' in value && 'loss' in value && 'x' in value,
  );
  const planes = all.filter((entry): entry is [string, LossPlane] => 'y' in entry[1]);
  if (planes.length === 0) return curves(all as [string, LossLine][], options);
  if (planes.length < all.length)
    throw new TypeError(`${caller}: draw lines and planes apart, got ${shown(planes.length)} planes of ${all.length}`);
  return contours(planes, options);
}

function curves(lines: readonly [string, LossLine][], options: PictureOptions): string {
  const points = lines.flatMap(([name, { x, loss }]) => x.map((at, i) => ({ name, x: at, loss: loss[i]! })));
  const seen = points.filter(({ loss }) => Number.isFinite(loss));
  return picture({
    ...{ title: 'The loss along a direction', width: 640, height: 340, ...options },
    names: lines.map(([name]) => name),
    nothing: seen.length > 0 ? undefined : 'No loss along the line is finite.',
    plot: {
      x: { label: 'distance along the direction' },
      y: { label: 'loss', grid: true, zero: true },
      // Points that are left out leave a gap, not a bridge: Plot breaks a line at NaN.
      marks: [Plot.lineY(points, { x: 'x', y: 'loss', stroke: 'name', strokeWidth: 2, marker: 'dot' })],
    },
    notes: leftOut(points.length - seen.length, 'point'),
  });
}

function contours(planes: readonly [string, LossPlane][], options: PictureOptions): string {
  const points = planes.flatMap(([name, { x, y, loss }]) =>
    x.flatMap((across, i) => y.map((up, j) => ({ name, x: across, y: up, loss: loss[i]![j]! }))),
  );
  const seen = points.filter(({ loss }) => Number.isFinite(loss) && loss > 0);
  const least = seen.reduce((smallest, { loss }) => Math.min(smallest, loss), Number.POSITIVE_INFINITY);
  const most = seen.reduce((largest, { loss }) => Math.max(largest, loss), 0);
  // The lowest contour lies below everything: what is below the first one Plot leaves blank.
  const thresholds = Array.from({ length: LEVELS }, (_, i) => 0.999 * least * (most / least) ** (i / LEVELS));
  const flat = !(most > least);
  const nothing =
    seen.length === 0 ? 'No loss over the plane is finite and above 0.' : `The loss is ${most} everywhere.`;
  const width = Math.min(1080, 80 + 300 * planes.length);
  const many = planes.length > 1;
  return picture({
    ...{ title: 'The loss over a plane of two directions', width, height: 370, ...options },
    nothing: flat ? nothing : undefined,
    plot: {
      marginTop: many ? 36 : 20,
      x: { label: 'first direction', ticks: 5 },
      y: { label: 'second direction', ticks: 5 },
      ...(many && { fx: { label: null, domain: planes.map(([name]) => name) } }),
      color: { type: 'log', scheme: 'viridis', domain: [least, most] },
      marks: planes.map(([own]) =>
        Plot.contour(
          seen.filter(({ name }) => name === own),
          {
            ...(many && { fx: 'name' }),
            ...{ x: 'x', y: 'y', fill: 'loss', stroke: 'white', strokeOpacity: 0.5, thresholds },
            interpolate: 'barycentric',
          },
        ),
      ),
    },
    notes: [
      `Loss from ${least.toPrecision(3)} (dark) to ${most.toPrecision(3)} (light), one scale for all; contours evenly spaced in its logarithm.`,
      ...(points.length > seen.length
        ? [`${points.length - seen.length} of ${points.length} points are not above 0 and finite, and left out.`]
        : []),
    ].slice(flat ? 1 : 0),
  });
}
