import { type LongWork, philoxUniforms, startWork } from '@qgen/core';
import { type ConditionalMutualInformation, conditionalMutualInformation } from './conditional-mutual-information';
import { type GranulatedKendall, granulatedKendall } from './granulated-kendall';
import { type KendallTau, kendallTau } from './kendall-tau';
import { type Cell, type Field, readPool } from './pool';
import { type SignError, signError } from './sign-error';

export interface RankMeasuresOptions<Row> extends LongWork<{ readonly done: number; readonly total: number }> {
  /** The measures to compare: names of fields, or functions under names. */
  readonly measures: readonly string[] | Readonly<Record<string, Field<Row, Cell>>>;
  readonly gap: Field<Row, Cell>;
  /** The hyper-parameters that vary; without any only Kendall's tau is there. */
  readonly axes?: readonly string[];
  readonly repeats?: string | readonly string[];
  /** The number of test examples behind each gap, for the sign error. */
  readonly testExamples?: number;
  /** Resamples of the pool behind the interval of tau; 0 for none. */
  readonly resamples?: number;
  readonly seed?: number;
}

export interface RankedMeasure {
  readonly measure: string;
  readonly kendall: KendallTau;
  /** 95 % bootstrap interval of `kendall.tauA`, models resampled; null without resamples or with fewer than 3 models. */
  readonly tauInterval: readonly [number, number] | null;
  /** Null without axes. */
  readonly granulated: GranulatedKendall | null;
  readonly information: ConditionalMutualInformation | null;
  readonly signError: SignError | null;
}

/**
 * Which measure predicts the gap: every rank statistic for every measure over one pool of models, best first by Psi, or
 * by tau a without axes. See `kendallTau`, `granulatedKendall`, `conditionalMutualInformation`, `signError`.
 *
 * @throws RangeError for a field that a row does not have
 */
export async function rankMeasures<Row>(
  rows: readonly Row[],
  options: RankMeasuresOptions<Row>,
): Promise<RankedMeasure[]> {
  const { measures, gap, axes = [], repeats, testExamples, resamples = 1000, seed = 0 } = options;
  const work = startWork(options);
  const fields = Array.isArray(measures)
    ? measures.map((name: string): [string, Field<Row, Cell>] => [name, name])
    : Object.entries(measures as Readonly<Record<string, Field<Row, Cell>>>);
  const ranked: RankedMeasure[] = [];
  for (const [name, measure] of fields) {
    const { points, excluded } = readPool(rows, { measure, gap, axes: [] }, 'rankMeasures');
    const x = points.map((point) => point.measure);
    const y = points.map((point) => point.gap);
    const checkpoint = () => work.checkpoint(() => ({ done: ranked.length, total: fields.length }));
    const given = { measure, gap, axes, repeats, testExamples };
    const some = axes.length > 0;
    await checkpoint();
    const information = some ? conditionalMutualInformation(rows, given) : null;
    await checkpoint();
    ranked.push({
      measure: name,
      kendall: { ...kendallTau(x, y), excluded },
      tauInterval: await bootstrap(x, y, { resamples, seed, checkpoint }),
      granulated: some ? granulatedKendall(rows, given) : null,
      information,
      signError: some ? signError(rows, given) : null,
    });
  }
  const score = ({ granulated, kendall }: RankedMeasure) => granulated?.Psi ?? kendall.tauA;
  const known = (value: number) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value);
  return ranked.sort((a, b) => known(score(b)) - known(score(a)));
}

interface Bootstrap {
  readonly resamples: number;
  readonly seed: number;
  readonly checkpoint: () => Promise<void>;
}

/**
 * The 2.5 and 97.5 percentiles of tau a over resampled pools. A pair of copies of one model is tied by construction and
 * says nothing, so it counts in neither part of the fraction.
 */
async function bootstrap(
  x: readonly number[],
  y: readonly number[],
  { resamples, seed, checkpoint }: Bootstrap,
): Promise<[number, number] | null> {
  const n = x.length;
  if (resamples < 1 || n < 3) return null;
  const taus: number[] = [];
  for (let stream = 0; stream < resamples; stream++) {
    if (stream % 50 === 0) await checkpoint();
    const chosen = Array.from(philoxUniforms(n, { seed, stream }), (u) => Math.floor(u * n));
    const copies = new Array<number>(n).fill(0);
    let copyPairs = 0;
    for (const i of chosen) copyPairs += copies[i]!++;
    const pairs = (n * (n - 1)) / 2;
    if (copyPairs === pairs) continue;
    const { tauA } = kendallTau(
      chosen.map((i) => x[i]!),
      chosen.map((i) => y[i]!),
    );
    taus.push((tauA * pairs) / (pairs - copyPairs));
  }
  taus.sort((a, b) => a - b);
  const at = (share: number) => taus[Math.round(share * (taus.length - 1))]!;
  return [at(0.025), at(0.975)];
}
