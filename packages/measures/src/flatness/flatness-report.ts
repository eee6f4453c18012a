import { displayed, markdown, numberColumn, type Sheet, squaredNorm, sumOf } from '@qgen/core';
import {
  type Dialect,
  type Measure,
  type MeasureId,
  measuresFromScales,
  NO_INITIAL,
  type Scales,
} from '../formulas/measures-from-scales';
import type { AlphaResult } from '../search/alpha/find-alpha';
import type { SearchResult, SearchStatus } from '../search/result';
import { precisionOf, shownScale } from '../search/search-sheet';
import type { MeasuredOn } from '../subject/options';

/** The four searches that the measures rest on. */
export type SearchName = 'sigma' | 'sigmaMagnitude' | 'alpha' | 'alphaMagnitude';

/** The searches behind a report; null for one that no measure needed. */
export interface Searches {
  readonly sigma: SearchResult | null;
  readonly sigmaMagnitude: SearchResult | null;
  readonly alpha: AlphaResult | null;
  readonly alphaMagnitude: AlphaResult | null;
}

/** A measure with its error bar. Smaller is flatter. */
export interface ReportedMeasure extends Measure {
  /**
   * 95 % intervals that come from the interval of sigma (see `SearchResult`); null where there is none, as for all measures
   * of sharpness: the search for alpha is deterministic, and its bracket is no confidence interval.
   */
  readonly muCi95: readonly [number, number] | null;
  readonly normalizedCi95: readonly [number, number] | null;
  /** How the search behind it ended. Only a `converged` one has the interval that was asked for. */
  readonly status: SearchStatus;
}

/** The setting that the numbers depend on: the view and the dialect alone can reverse an order of models. */
export interface FlatnessSetting extends MeasuredOn {
  readonly dialect: Dialect;
  /** Number of training examples. */
  readonly m: number;
  readonly delta: number;
  readonly epsilon: number;
  /** The drop of accuracy that the scales stand for. */
  readonly target: number;
  readonly seed: number;
  /** The package that made the report, with its version. */
  readonly madeBy: string;
}

export interface FlatnessReport {
  /** The measures that were asked for, by id. */
  readonly measures: Readonly<Partial<Record<MeasureId, ReportedMeasure>>>;
  readonly setting: FlatnessSetting;
  readonly searches: Searches;
  /** Number of weights, |w|, |w - w0| (null without initial weights), and the share of weights that are exactly 0. */
  readonly omega: number;
  readonly l2: number;
  readonly distance: number | null;
  readonly zeroFraction: number;
  /**
   * Which way is flat: small measures, those named flatness included, for they are 1 / scale^2; large scales. No measure
   * is a bound on anything: see the guide on choosing one.
   */
  readonly flatter: { readonly measures: 'smaller'; readonly scales: 'larger' };
  readonly warnings: readonly string[];
  /** Everything but the traces, as plain data. */
  toJSON(): object;
  /** A table, with view and dialect beside every number and all of `setting` below. */
  toMarkdown(): string;
}

const MANY_ZEROS = 0.1;

/** Scores the searches and puts the report together. */
export function flatnessReport({
  w,
  w0,
  searches,
  measures: ids,
  setting,
}: {
  readonly w: Float32Array;
  readonly w0: Float32Array | null;
  readonly searches: Searches;
  readonly measures: readonly MeasureId[];
  readonly setting: FlatnessSetting;
}): FlatnessReport {
  const { dialect, delta, epsilon, m } = setting;
  const score = (scales: Scales) => measuresFromScales(w, w0, m, scales, { dialect, delta, epsilon });
  const values = score(scalesOf(searches, (search) => search.value));
  const end = (at: 0 | 1) => score(scalesOf(searches, (search) => usable('ci95' in search ? search.ci95?.[at] : null)));
  const ends = [end(0), end(1)] as const;
  const reported = (id: MeasureId): ReportedMeasure => {
    const search = searches[searchOf(id)]!;
    const interval = (of: 'mu' | 'normalized') => {
      const [a, b] = [ends[0][id][of], ends[1][id][of]];
      return search.value === null || a === null || b === null ? null : ([Math.min(a, b), Math.max(a, b)] as const);
    };
    const { status } = search;
    const missing = search.value === null ? `no scale was found: ${status}` : undefined;
    const warning = missing ?? values[id].warning;
    const measure = { ...values[id], ...(warning && { warning }) };
    return { ...measure, muCi95: interval('mu'), normalizedCi95: interval('normalized'), status };
  };
  const measures = Object.fromEntries(ids.map((id) => [id, reported(id)])) as FlatnessReport['measures'];
  const zeroFraction = sumOf(w.length, (i) => (w[i] === 0 ? 1 : 0)) / w.length;
  const content: Omit<FlatnessReport, 'toJSON' | 'toMarkdown'> = {
    measures,
    setting,
    searches,
    omega: w.length,
    l2: Math.sqrt(squaredNorm(w)),
    distance: w0 && Math.sqrt(sumOf(w.length, (i) => (w[i] - w0[i]) ** 2)),
    zeroFraction,
    flatter: { measures: 'smaller', scales: 'larger' },
    warnings: warningsOf(searches, measures, zeroFraction),
  };
  const report: FlatnessReport = {
    ...content,
    toJSON: () => ({ ...content, searches: Object.fromEntries(Object.entries(searches).map(withoutTrace)) }),
    toMarkdown: () => markdown(flatnessSheet(content)),
  };
  return displayed(report, flatnessSheet);
}

/** A scale that the formulas take: an interval may end at 0 or at infinity. */
function usable(scale: number | null | undefined): number | null {
  return typeof scale === 'number' && scale > 0 && Number.isFinite(scale) ? scale : null;
}

function scalesOf(searches: Searches, pick: (search: NonNullable<Searches[SearchName]>) => number | null): Scales {
  const of = (name: SearchName) => (searches[name] ? pick(searches[name]) : null);
  return {
    sigma: of('sigma'),
    sigmaMagnitude: of('sigmaMagnitude'),
    alpha: of('alpha'),
    alphaMagnitude: of('alphaMagnitude'),
  };
}

function searchOf(id: MeasureId): SearchName {
  const magnitude = id.includes('.mag.');
  if (id.startsWith('pacBayes')) return magnitude ? 'sigmaMagnitude' : 'sigma';
  return magnitude ? 'alphaMagnitude' : 'alpha';
}

function withoutTrace([name, search]: [string, Searches[SearchName]]): [string, object | null] {
  if (!search) return [name, null];
  const { trace: _, ...rest } = search;
  return [name, rest];
}

function warningsOf(searches: Searches, measures: FlatnessReport['measures'], zeroFraction: number): string[] {
  const warnings = Object.entries(searches).flatMap(([name, search]) => [
    ...(search?.warnings ?? []).map((warning: string) => `${name}: ${warning}`),
    ...(search && search.status !== 'converged' ? [`${name}: the search ended with status ${search.status}`] : []),
    ...(search?.nonMonotone ? [`${name}: the accuracy does not fall steadily with the scale`] : []),
  ]);
  for (const [id, { mu, warning }] of Object.entries(measures))
    if (mu !== null && warning) warnings.push(`${id}: ${warning}`);
  const without = Object.entries(measures).flatMap(([id, { warning }]) => (warning === NO_INITIAL ? [id] : []));
  if (without.length > 0) warnings.push(`${without.join(', ')} are null: ${NO_INITIAL}`);
  if (zeroFraction > MANY_ZEROS)
    warnings.push(
      `${(100 * zeroFraction).toFixed(0)} % of the weights are exactly 0: magnitude-aware noise moves them by epsilon only, and the dialects value that differently`,
    );
  return warnings;
}

function flatnessSheet({
  measures,
  setting,
  warnings,
  ...report
}: Omit<FlatnessReport, 'toJSON' | 'toMarkdown'>): Sheet {
  const { view, dialect, scope, batchNorm, output, m, delta, epsilon, target, seed, madeBy } = setting;
  const rows = Object.entries(measures).map(([id, { mu, normalized, normalizedCi95, status }]) => [
    id,
    shownScale(mu),
    shownScale(normalized),
    normalizedCi95 ? normalizedCi95.map(shownScale).join(' … ') : '',
    view,
    dialect,
    status,
  ]);
  const scales = (Object.entries(report.searches) as [string, Searches[SearchName]][]).flatMap(([name, search]) =>
    search ? [`${name} = ${shownScale(search.value)}${inBrackets(precisionOf(search))}`] : [],
  );
  return [
    {
      columns: [
        { title: 'measure' },
        numberColumn('mu'),
        numberColumn('sqrt(mu / m)'),
        numberColumn('95 %'),
        { title: 'view' },
        { title: 'dialect' },
        { title: 'status' },
      ],
      rows,
    },
    'Smaller is flatter in every row, *.flatness = 1 / scale^2 included. Intervals hold what other draws of noise would change, not another training.',
    `m = ${m}, omega = ${report.omega}, |w| = ${shownScale(report.l2)}, |w - w0| = ${shownScale(report.distance)}, zeros = ${(100 * report.zeroFraction).toFixed(1)} %, delta = ${delta}, epsilon = ${epsilon}, scope = ${scope}, batch normalization = ${batchNorm}, output = ${output}, target = ${target}, seed = ${seed}, made by ${madeBy}`,
    `Larger is flatter: ${scales.join(', ')}`,
    ...warnings.map((warning) => `Warning: ${warning}`),
  ];
}

const inBrackets = ({ kind, ends }: ReturnType<typeof precisionOf>): string => (ends ? ` (${kind}: ${ends})` : '');
