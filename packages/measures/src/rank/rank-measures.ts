import {
  displayed,
  type KendallTau,
  kendallTau,
  LONG_WORK_OPTIONS,
  type LongWork,
  numberColumn,
  philoxUniforms,
  requireKnownOptions,
  requireNotNegative,
  requireSeed,
  type Sheet,
  startWork,
} from '@qgen/core';
import { type ConditionalMutualInformation, conditionalMutualInformation } from './conditional-mutual-information';
import { type GranulatedKendall, granulatedKendall, requireRepeats } from './granulated-kendall';
import { type Cell, type Field, readPool, requireField } from './pool';
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
  /** The smallest effective sample size of an environment of the sign error; see `signError`. */
  readonly minEffectiveSampleSize?: number;
  /** Resamples of the pool behind the interval of tau; 0 for none. */
  readonly resamples?: number;
  readonly seed?: number;
}

const OPTIONS = [
  ...LONG_WORK_OPTIONS,
  'measures',
  'gap',
  'axes',
  'repeats',
  'testExamples',
  'minEffectiveSampleSize',
  'resamples',
  'seed',
] as const satisfies readonly (keyof RankMeasuresOptions<unknown>)[];

/** One measure. Of tau, the granulated average and the score of information larger is better, of the sign error smaller. */
export interface RankedMeasure {
  readonly measure: string;
  readonly kendall: KendallTau;
  /**
   * 95 % interval of Kendall's tau over all models of the kind, of which these are a sample: the percentiles of tau a over
   * resampled pools (Efron 1982, chapter 10). It needs 10 models or so: of pools of 6 with a tau of 0.71 it holds 86 %.
   * Null without resamples or with fewer than 3 models.
   */
  readonly tauInterval: readonly [number, number] | null;
  /** Null without axes. */
  readonly granulated: GranulatedKendall | null;
  readonly information: ConditionalMutualInformation | null;
  readonly signError: SignError | null;
}

/**
 * Which measure predicts the gap: every rank statistic for every measure over one pool of models, best first by the granulated average, or
 * by tau a without axes. See `kendallTau`, `granulatedKendall`, `conditionalMutualInformation`, `signError`. A measure is
 * good where it is larger for models of a larger gap; one that predicts a *small* gap, as sigma does, enters with its sign
 * turned, or as 1 / sigma^2.
 *
 * @throws TypeError for rows, axes or fields of another form, RangeError for an unknown option, one out of range, or a
 * field that a row does not have
 */
export async function rankMeasures<Row>(
  rows: readonly Row[],
  options: RankMeasuresOptions<Row>,
): Promise<RankedMeasure[]> {
  const caller = 'rankMeasures';
  requireKnownOptions(caller, options, OPTIONS);
  const { measures, gap, axes = [], repeats, testExamples = 0, minEffectiveSampleSize = 0 } = options;
  const { resamples = 1000, seed = 0 } = options;
  requireNotNegative(caller, { testExamples, minEffectiveSampleSize });
  if (!(Number.isInteger(resamples) && resamples >= 0))
    throw new RangeError(`${caller}: resamples must be an integer of 0 or more, got ${resamples}`);
  requireSeed(caller, seed);
  const fields = fieldsOf(measures, caller);
  const work = startWork(options);
  const ranked: RankedMeasure[] = [];
  for (const [name, measure] of fields) {
    const { points, excluded } = readPool(rows, { measure, gap, axes }, caller);
    const x = points.map((point) => point.measure);
    const y = points.map((point) => point.gap);
    const checkpoint = () => work.checkpoint(() => ({ done: ranked.length, total: fields.length }));
    const given = { measure, gap, axes };
    const some = axes.length > 0;
    if (repeats !== undefined) requireRepeats(caller, repeats, axes, rows);
    await checkpoint();
    const information = some ? conditionalMutualInformation(rows, given) : null;
    await checkpoint();
    ranked.push({
      measure: name,
      kendall: { ...kendallTau(x, y), excluded },
      tauInterval: await bootstrap(x, y, { resamples, seed, checkpoint }),
      granulated: some ? granulatedKendall(rows, { ...given, repeats }) : null,
      information,
      signError: some ? signError(rows, { ...given, testExamples, minEffectiveSampleSize }) : null,
    });
  }
  const score = ({ granulated, kendall }: RankedMeasure) => granulated?.average ?? kendall.tauA;
  const known = (value: number) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value);
  ranked.sort((a, b) => known(score(b)) - known(score(a)));
  return displayed(ranked, rankSheet);
}

function rankSheet(ranked: readonly RankedMeasure[]): Sheet {
  const digits = (value: number | null | undefined) =>
    value === null || value === undefined || Number.isNaN(value) ? '-' : value.toFixed(3);
  const some = ranked.some(({ granulated }) => granulated !== null);
  return [
    {
      columns: [
        { title: 'measure' },
        numberColumn('tau'),
        numberColumn('95 %'),
        ...(some
          ? [
              numberColumn('granulated'),
              numberColumn('information'),
              numberColumn('sign error (mean)'),
              numberColumn('(max)'),
            ]
          : []),
        numberColumn('models'),
        numberColumn('left out'),
      ],
      rows: ranked.map(({ measure, kendall, tauInterval, granulated, information, signError }) => [
        measure,
        digits(kendall.tauA),
        tauInterval ? tauInterval.map(digits).join(' … ') : '',
        ...(some
          ? [digits(granulated?.average), digits(information?.score), digits(signError?.mean), digits(signError?.max)]
          : []),
        `${kendall.n}`,
        `${kendall.excluded}`,
      ]),
    },
    `Larger is better${some ? '; of the sign error smaller is, and 0.5 is a coin' : ''}. tau = 1 orders all models as their gaps do.`,
  ];
}

type Fields<Row> = [name: string, field: Field<Row, Cell>][];

function fieldsOf<Row>(measures: RankMeasuresOptions<Row>['measures'], caller: string): Fields<Row> {
  if (typeof measures !== 'object' || measures === null)
    throw new TypeError(`${caller}: measures must be an array of names or an object of fields, got ${measures}`);
  const fields: Fields<Row> = Array.isArray(measures)
    ? measures.map((name: string) => [name, name])
    : Object.entries(measures as Readonly<Record<string, Field<Row, Cell>>>);
  if (fields.length === 0) throw new RangeError(`${caller}: measures is empty; name the measures to compare`);
  for (const [name, field] of fields) requireField(caller, `measures.${name}`, field);
  return fields;
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
    for (const i of chosen) copyPairs += copies[i]++;
    const pairs = (n * (n - 1)) / 2;
    if (copyPairs === pairs) continue;
    const { tauA } = kendallTau(
      chosen.map((i) => x[i]),
      chosen.map((i) => y[i]),
    );
    taus.push((tauA * pairs) / (pairs - copyPairs));
  }
  taus.sort((a, b) => a - b);
  const at = (share: number) => taus[Math.round(share * (taus.length - 1))];
  return [at(0.025), at(0.975)];
}
