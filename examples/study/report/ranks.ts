import { kendallTau, philoxUniforms } from '@qgen/core';
import { rankMeasures } from '@qgen/measures';
import type { TrialResult } from '../folder/result';
import type { Setting } from '../plan/setting';
import { significant } from './pairing';
import { GAP, MEASURES, type NamedQuantity, present, SCALES, WEIGHT_NORM } from './quantities';
import { cell, type Table } from './table';

/** Fewer settings than these rank nothing. */
const ENOUGH = 4;
const SHUFFLES = 1000;
const AXES = [
  'optimizer',
  'learningRate',
  'weightDecay',
  'width',
  'depth',
  'batchSize',
  'model',
  'recipe',
  'bits',
] as const;

/**
 * Which measure predicts the gap over all trained networks, by every rank statistic, with a bootstrap interval of Kendall's
 * τ over networks and the share of shuffles of the gaps within a precision that reach as large a |τ|; null for too few
 * settings.
 */
export async function rankTable(results: readonly TrialResult[], testExamples: number): Promise<Table | null> {
  const trained = results.filter(({ numbers }) => numbers);
  const quantities = present(trained, [...MEASURES, ...SCALES, WEIGHT_NORM]);
  const settings = new Set(trained.map(({ setting }) => JSON.stringify(setting)));
  if (settings.size < ENOUGH || quantities.length === 0) return null;
  const rows = trained.map((result) => ({ ...result.setting, bits: result.bits, seed: result.seed, result }));
  const axes = AXES.filter((axis) => new Set(rows.map((row) => row[axis as keyof Setting & 'bits'])).size > 1);
  const measureOf =
    ({ of, better }: NamedQuantity) =>
    (row: (typeof rows)[number]) => {
      const value = of(row.result);
      // A measure predicts a large gap where it is large; a scale is large where the gap should be small.
      return value === null || value === undefined ? null : better === 'larger' ? -value : value;
    };
  const ranked = await rankMeasures(rows, {
    measures: Object.fromEntries(quantities.map((quantity) => [nameOf(quantity), measureOf(quantity)])),
    gap: (row) => GAP.of(row.result) ?? null,
    axes,
    ...(new Set(rows.map(({ seed }) => seed)).size > 1 && { repeats: 'seed' }),
    testExamples,
    seed: 1,
  });
  const byName = new Map(quantities.map((quantity) => [nameOf(quantity), quantity]));
  return {
    id: 'ranks',
    title: 'Which measure predicts the gap',
    caption: `Over ${trained.length} networks, axes ${axes.join(', ')}. τ: Kendall's τ_a with the percentile interval of 1000 resampled pools of networks; p: share of ${SHUFFLES} shuffles of the gaps within a precision with as large a |τ| (a small one says that there is an association, not that it causes anything); Ψ granulated, K conditional mutual information: larger is better; sign error: smaller is better, 0.5 is a coin. Scales enter with their sign turned.`,
    columns: ['measure', 'n', 'τ', '95 % interval', 'p', 'Ψ', 'K', 'sign error: mean', '90th percentile', 'max'],
    rows: ranked.map(({ measure, kendall, tauInterval, granulated, information, signError }) => {
      const quantity = byName.get(measure)!;
      const value = measureOf(quantity);
      const shown = (number: number | null | undefined) =>
        number === null || number === undefined || Number.isNaN(number) ? '—' : significant(number, 2);
      return [
        cell(measure),
        cell(kendall.n),
        cell(shown(kendall.tauA)),
        cell(tauInterval ? `${shown(tauInterval[0])} to ${shown(tauInterval[1])}` : '—'),
        cell(shown(permutationShare(rows.map((row) => ({ x: value(row), y: GAP.of(row.result), group: row.bits }))))),
        cell(shown(granulated?.average)),
        cell(shown(information?.score)),
        cell(shown(signError?.mean)),
        cell(shown(signError?.p90)),
        cell(shown(signError?.max)),
      ];
    }),
  };
}

const nameOf = ({ title, better }: NamedQuantity) => (better === 'larger' ? `−${title}` : title);

interface Pair {
  readonly x: number | null;
  readonly y: number | null | undefined;
  readonly group: number;
}

/** (1 + shuffles with as large a |τ|) / (1 + shuffles): the gaps change places within their group only. */
function permutationShare(pairs: readonly Pair[]): number {
  const known = pairs.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  const x = known.map((pair) => pair.x!);
  const observed = Math.abs(
    kendallTau(
      x,
      known.map((pair) => pair.y!),
    ).tauA,
  );
  let reached = 0;
  for (let stream = 0; stream < SHUFFLES; stream++) {
    const keys = philoxUniforms(known.length, { seed: 1, stream });
    const y = new Float64Array(known.length);
    for (const group of new Set(known.map((pair) => pair.group))) {
      const places = known.flatMap((pair, i) => (pair.group === group ? [i] : []));
      const shuffled = [...places].sort((a, b) => keys[a]! - keys[b]!);
      places.forEach((place, i) => {
        y[place] = known[shuffled[i]!]!.y!;
      });
    }
    if (Math.abs(kendallTau(x, y).tauA) >= observed - 1e-12) reached++;
  }
  return (1 + reached) / (1 + SHUFFLES);
}
