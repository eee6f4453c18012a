import {
  type Data,
  displayed,
  LONG_WORK_OPTIONS,
  type LongWork,
  numberColumn,
  requireBooleans,
  requireCounts,
  requireKnownOptions,
  requirePositive,
  requireSeed,
  requireTarget,
  type Sheet,
  startWork,
} from '@qgen/core';
import { cleanAnswers } from '../search/clean-answers';
import type { SearchStatus } from '../search/result';
import { shownScale } from '../search/search-sheet';
import { createDraws } from '../search/sigma/draws';
import { searchSigma } from '../search/sigma/find-sigma';
import {
  type Estimate,
  estimateDifference,
  estimateRoot,
  GROUP,
  type GroupedDrops,
  sideOf,
} from '../search/sigma/paired-root';
import { openExamples } from '../subject/open-examples';
import { openModel } from '../subject/open-model';
import { type MeasuredOn, measuredOn, type OpenModelOptions, SUBJECT_OPTIONS } from '../subject/options';
import type { ModelLike } from '../subject/parameters';

export interface CompareModelsOptions extends OpenModelOptions, LongWork<ComparisonProgress> {
  /** The name of the model that the others are compared with; the first one unless said. */
  readonly reference?: string;
  /** Noise of standard deviation sqrt(sigma'^2 w^2 + epsilon^2) in place of sigma. */
  readonly magnitudeAware?: boolean;
  /** The drop of accuracy that sigma stands for. */
  readonly target?: number;
  /** Floor of magnitude-aware noise. */
  readonly epsilon?: number;
  /** Draws of noise behind each comparison, a multiple of 8: an eighth of them below sigma, an eighth above, the rest at it. */
  readonly draws?: number;
  /** Examples that a draw sees; all of them where there are fewer. */
  readonly examplesPerDraw?: number;
  /** Draw k of a seed is the same noise, on the same examples, for every model of one architecture. */
  readonly seed?: number;
  /** Examples on the device at once. */
  readonly batchSize?: number;
}

export interface ComparisonProgress {
  readonly model: string;
  /** Draws of this model so far, those of the search that comes first included. */
  readonly draws: number;
}

/** One model among others. Of sigma and of ratios larger is flatter. */
export interface ComparedModel extends MeasuredOn {
  /**
   * `'measured'`, or why there is no sigma: how its search ended, or `'undetermined'` where the drops did not rise with
   * the noise.
   */
  readonly status: 'measured' | 'undetermined' | Exclude<SearchStatus, 'converged' | 'aborted'>;
  /** The scale of noise that costs the target. For an interval of its own see `findSigma`. */
  readonly sigma: number | null;
  /** sigma over that of the reference: above 1 this model is flatter, below 1 it is sharper. 1 for the reference itself. */
  readonly ratio: number | null;
  /** 95 % interval of `ratio`, paired: where it leaves 1 out, the two differ by more than the draws explain. */
  readonly ratioCi95: readonly [number, number] | null;
  /**
   * Correlation of the two estimates of ln sigma: at 0.9 the paired interval is 3 times narrower than the unpaired one.
   * Null where no draw differs from another.
   */
  readonly correlation: number | null;
  /** Unperturbed accuracy, over the examples that were looked at. */
  readonly accuracy: number;
}

export interface ModelComparison {
  readonly reference: string;
  /** By name, in the order given. */
  readonly models: Readonly<Record<string, ComparedModel>>;
  readonly magnitudeAware: boolean;
  readonly target: number;
  readonly draws: number;
  readonly examplesPerDraw: number;
  readonly seed: number;
}

const OPTIONS = [
  ...SUBJECT_OPTIONS,
  ...LONG_WORK_OPTIONS,
  'reference',
  'magnitudeAware',
  'target',
  'epsilon',
  'draws',
  'examplesPerDraw',
  'seed',
  'batchSize',
] as const satisfies readonly (keyof CompareModelsOptions)[];

/** How far from sigma the slope is measured, in ln sigma. */
const SPREAD = 0.3;
/** Half the 95 % interval of ln sigma at which the search for the place of the draws stops. */
const SEARCH_TOLERANCE = 0.1;
/** Fewer leave the interval too short. */
const LEAST_DRAWS = 16 * GROUP;

/**
 * How flat models are relative to one of them: the ratio of their sigmas (`findSigma`), with a *paired* 95 % interval. Two
 * models of one architecture, a float net and its 4-bit twin say, meet the same noise and the same examples draw by draw,
 * and what a draw does to both cancels in the difference of ln sigma; that of two separate searches would keep it.
 *
 * For each model a search finds the place, then come a fixed number of draws: six of eight at the sigma found, one at
 * exp(-0.3) and one at exp(0.3) times that. The mean drop of the six and the slope between the others give ln sigma, and the
 * jackknife over groups of eight the interval of the difference. No rule stops the draws early, so none biases the interval;
 * models that share nothing get the interval of independent measurements. It holds what other draws of noise and examples
 * would change, not what another training would: for that train several seeds and compare the ratios.
 *
 * The models are measured one after another and restored bit for bit on every way out.
 *
 * @throws TypeError for models that are no object of two or more, or data of another form; RangeError for a reference that
 * is not among them, an unknown option or one out of range, and as `findSigma`; the reason of `signal` if it aborts
 */
export async function compareModels(
  models: Readonly<Record<string, ModelLike>>,
  data: Data,
  options: CompareModelsOptions = {},
): Promise<ModelComparison> {
  const caller = 'compareModels';
  requireKnownOptions(caller, options, OPTIONS);
  const { magnitudeAware = false, target = 0.1, epsilon = 1e-3, draws = 512, examplesPerDraw = 64, seed = 0 } = options;
  const names = typeof models === 'object' && models !== null && !Array.isArray(models) ? Object.keys(models) : [];
  if (names.length < 2)
    throw new TypeError(
      `${caller}: models must be an object of two models or more by name, as { float, int4 }, got ${names.length}`,
    );
  const { reference = names[0] } = options;
  if (!names.includes(reference))
    throw new RangeError(`${caller}: reference must be the name of a model (${names.join(', ')}), got ${reference}`);
  requireBooleans(caller, { magnitudeAware });
  requireTarget(caller, target);
  requirePositive(caller, { epsilon });
  requireCounts(caller, { draws, examplesPerDraw, batchSize: options.batchSize });
  if (draws < LEAST_DRAWS || draws % GROUP !== 0)
    throw new RangeError(`${caller}: draws must be a multiple of ${GROUP} and at least ${LEAST_DRAWS}, got ${draws}`);
  requireSeed(caller, seed);

  const settled = { ...options, magnitudeAware, target, epsilon, draws, examplesPerDraw, seed };
  const measured = new Map<string, Measured>();
  for (const name of names) measured.set(name, await measure(name, models[name], data, settled));
  const base = measured.get(reference)!.drops;
  const comparison: ModelComparison = {
    reference,
    models: Object.fromEntries(names.map((name) => [name, describe(measured.get(name)!, base, target)])),
    magnitudeAware,
    target,
    draws,
    examplesPerDraw,
    seed,
  };
  return displayed(comparison, comparisonSheet);
}

interface Measured {
  readonly drops: GroupedDrops | null;
  readonly rest: Pick<ComparedModel, 'accuracy' | keyof MeasuredOn> & { readonly status: SearchStatus };
}

type Settled = CompareModelsOptions &
  Required<Pick<CompareModelsOptions, 'magnitudeAware' | 'target' | 'epsilon' | 'draws' | 'examplesPerDraw' | 'seed'>>;

async function measure(name: string, model: ModelLike, data: Data, options: Settled): Promise<Measured> {
  const caller = `compareModels (${name})`;
  const { magnitudeAware, target, epsilon, seed, signal, onProgress } = options;
  const subject = openModel(model, options, caller);
  try {
    const { batchSize = subject.batchSize } = options;
    const examples = await openExamples(subject, data, caller);
    const clean = cleanAnswers(examples.size);
    let before = 0;
    const report = (progress: { readonly draws: number }) =>
      onProgress?.({ model: name, draws: before + progress.draws });
    const common = { magnitudeAware, target, epsilon, seed, batchSize, signal, clean };
    const search = { ...common, relativeTolerance: SEARCH_TOLERANCE, onProgress: report };
    const found = await searchSigma(subject, examples, search, caller);
    signal?.throwIfAborted();
    const rest = { status: found.status, accuracy: found.accuracy, ...measuredOn(subject) };
    if (found.value === null) return { drops: null, rest };

    before = found.draws;
    const noise = { magnitudeAware, epsilon, convention: 'standard' } as const;
    const work = startWork({ signal, onProgress: report });
    const centre = Math.log(found.value);
    const place = { phase: 'draws', estimate: found.value, ci95: null, bracket: null };
    const made = createDraws(
      subject,
      examples,
      { noise, seed, batchSize, clean, work, progress: () => ({ ...place, ...made.state }) },
      caller,
    );
    const drops = new Float64Array(options.draws);
    for (let k = 0; k < drops.length; k++)
      drops[k] = await made.subset(Math.exp(centre + SPREAD * sideOf(k)), options.examplesPerDraw);
    return { drops: { centre, spread: SPREAD, drops }, rest: { ...rest, accuracy: clean.right / clean.known } };
  } finally {
    subject.close();
  }
}

function describe({ drops, rest }: Measured, base: GroupedDrops | null, target: number): ComparedModel {
  const { status, ...seen } = rest;
  const nothing = { sigma: null, ratio: null, ratioCi95: null, correlation: null };
  if (!drops) return { ...nothing, ...seen, status: status as Exclude<SearchStatus, 'converged' | 'aborted'> };
  const own = estimateRoot(drops, target);
  if (!known(own)) return { ...nothing, ...seen, status: 'undetermined' };
  const sigma = { ...seen, status: 'measured', sigma: Math.exp(own.value) } as const;
  const other = base && estimateRoot(base, target);
  if (!base || !other || !known(other)) return { ...nothing, ...sigma };
  const difference = estimateDifference(base, drops, target);
  const [a, b, d] = [other.halfWidth, own.halfWidth, difference.halfWidth];
  const correlation = (a * a + b * b - d * d) / (2 * a * b);
  return {
    ...sigma,
    ratio: Math.exp(difference.value),
    ratioCi95: interval(difference),
    correlation: Number.isFinite(correlation) ? correlation : null,
  };
}

const known = ({ value, halfWidth }: Estimate): boolean => Number.isFinite(value) && Number.isFinite(halfWidth);

function interval({ value, halfWidth }: Estimate): readonly [number, number] {
  return [Math.exp(value - halfWidth), Math.exp(value + halfWidth)];
}

function comparisonSheet({ reference, models, magnitudeAware, target, draws, ...rest }: ModelComparison): Sheet {
  const symbol = magnitudeAware ? "sigma'" : 'sigma';
  return [
    {
      columns: [
        { title: 'model' },
        numberColumn(symbol),
        numberColumn(`ratio to ${reference}`),
        numberColumn('95 %'),
        numberColumn('accuracy'),
        { title: 'view' },
        { title: 'status' },
      ],
      rows: Object.entries(models).map(([name, { sigma, ratio, ratioCi95, accuracy, view, status }]) => [
        name,
        shownScale(sigma),
        ratio === null ? '-' : ratio.toFixed(3),
        ratioCi95 && name !== reference ? ratioCi95.map((end) => end.toFixed(3)).join(' … ') : '',
        accuracy.toFixed(4),
        view,
        status,
      ]),
    },
    `A ratio above 1 is flatter than ${reference}. The interval is paired; it holds what other draws and examples would change, not another training.`,
    `target = ${target}, ${draws} draws of ${rest.examplesPerDraw} examples, seed ${rest.seed}`,
  ];
}
