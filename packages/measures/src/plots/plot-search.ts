import * as Plot from '@observablehq/plot';
import { byName, leftOut, type PictureOptions, picture, requirePictureOptions } from '@qgen/core/plot';
import type { AlphaResult } from '../search/alpha/find-alpha';
import type { SearchResult, SearchStatus } from '../search/result';

/** Scales within this many powers of 2 count as one where the crosses take their means. */
const BIN = 1 / 4;

interface Point {
  readonly name: string;
  readonly scale: number;
  readonly drop: number;
}

/**
 * The search for sigma or alpha as an SVG: a dot for every draw or box, the drop of accuracy over the scale; a cross at
 * the mean of those of about one scale; the target as a dashed line, and the 95 % interval of sigma (of alpha
 * the bracket) as a band. Farther right is flatter. A search without a value shows its dots and says how it ended.
 *
 * @param searches one result of `findSigma` or `findAlpha`, or several by name
 * @throws TypeError for something else, RangeError for an unknown option or a size that is not above 0
 */
export function plotSearch(
  searches: SearchResult | AlphaResult | Readonly<Record<string, SearchResult | AlphaResult>>,
  options: PictureOptions = {},
): string {
  const caller = 'plotSearch';
  requirePictureOptions(caller, options);
  const all = byName(caller, 'a result of findSigma or findAlpha', searches, isSearch);
  const [, first] = all[0]!;
  const symbol = `${'ci95' in first ? 'σ' : 'α'}${first.magnitudeAware ? '′' : ''}`;
  const points = all.flatMap(([name, { trace }]) => trace.map(({ scale, drop }): Point => ({ name, scale, drop })));
  const seen = points.filter(({ scale, drop }) => scale > 0 && Number.isFinite(scale) && Number.isFinite(drop));
  const bands = all.flatMap(([name, search]) => {
    const ends = 'ci95' in search ? search.ci95 : search.bracket;
    return ends && search.value !== null && ends.every((end) => end > 0 && Number.isFinite(end))
      ? [{ name, from: ends[0], to: ends[1] }]
      : [];
  });
  const bin = ({ name, scale }: Point) => `${Math.round(Math.log2(scale) / BIN)} ${name}`;
  return picture({
    ...{ title: `The search for ${symbol}`, width: 720, height: 380, ...options },
    names: all.map(([name]) => name),
    nothing: seen.length > 0 ? undefined : `No scale was tried: ${all.map(([, { status }]) => status).join(', ')}.`,
    plot: {
      x: { type: 'log', label: `${symbol} (larger is flatter)`, tickFormat: '~g', ticks: 6 },
      y: { label: 'drop of the accuracy', grid: true },
      marks: [
        Plot.rectX(bands, { x1: 'from', x2: 'to', fill: 'name', fillOpacity: 0.2 }),
        Plot.ruleY(new Set(all.map(([, { target }]) => target)), { strokeDasharray: '4,4' }),
        Plot.dot(seen, { x: 'scale', y: 'drop', fill: 'name', fillOpacity: 0.35, r: 2.2 }),
        Plot.dot(
          seen,
          Plot.groupZ(
            { x: 'mean', y: 'mean' },
            { z: bin, x: 'scale', y: 'drop', stroke: 'name', symbol: 'times', r: 5, strokeWidth: 2 },
          ),
        ),
      ],
    },
    notes: [
      ...leftOut(points.length - seen.length, 'point'),
      ...all.flatMap(([name, search]) => (search.value === null ? [ending(name, search)] : [])),
    ],
  });
}

/** Whether it is a result of a search: both kinds have a trace and the target. */
const isSearch = (value: object): boolean => 'trace' in value && 'target' in value && Array.isArray(value.trace);

const ENDINGS: Readonly<Record<SearchStatus, string>> = {
  converged: 'The search converged',
  'saturated-low': 'The search saturated: the smallest scale already costs more than the target',
  'saturated-high': 'The search saturated: not even the largest scale costs the target',
  unreachable: 'The accuracy is too close to chance to drop by the target',
  budget: 'The search ran out of its budget',
  aborted: 'The search was aborted',
};

function ending(name: string, { status }: SearchResult | AlphaResult): string {
  return `${name ? `${name}: n` : 'N'}o value was found. ${ENDINGS[status]}.`;
}
