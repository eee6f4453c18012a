import { type Data, LONG_WORK_OPTIONS, type LongWork, requireKnownOptions, requireSeed, shown } from '@qgen/core';
import { registerKernels } from '@qgen/kernels/register';
import { type Dialect, MEASURE_IDS, type MeasureId, requireFormulaOptions } from '../formulas/measures-from-scales';
import { checkAlphaOptions, type FindAlphaOptions } from '../search/alpha/alpha-options';
import { searchAlpha } from '../search/alpha/find-alpha';
import { cleanAnswers } from '../search/clean-answers';
import type { SearchProgress } from '../search/result';
import { searchSigma } from '../search/sigma/find-sigma';
import { checkSigmaOptions, type FindSigmaOptions } from '../search/sigma/sigma-options';
import { flatWeights } from '../subject/flat-weights';
import { openExamples } from '../subject/open-examples';
import { openModel } from '../subject/open-model';
import { measuredOn, type OpenModelOptions, SUBJECT_OPTIONS } from '../subject/options';
import type { ModelLike } from '../subject/parameters';
import { initialWeights, requireSnapshot, type Snapshot } from '../subject/snapshot';
import {
  type FlatnessReport,
  type FlatnessSetting,
  flatnessReport,
  type Searches,
  type SearchName,
} from './flatness-report';
import { MADE_BY } from './made-by';

export interface FlatnessProgress extends SearchProgress {
  readonly search: SearchName;
}

export interface MeasureFlatnessOptions extends OpenModelOptions, LongWork<FlatnessProgress> {
  /**
   * The weights at initialization, from `snapshot`. Without them the measures are null that compare with them (see
   * `measuresFromScales`); flatness values and those named `orig` need none.
   */
  readonly initial?: Snapshot;
  /** Which measures; all of them unless said. Only the searches that they need are made. */
  readonly measures?: readonly MeasureId[];
  /**
   * Which reading of the formulas; `'qgen'` unless said. `'dziugaite2020'` also injects that code's noise, and perturbs
   * all parameters unless `scope` says otherwise.
   */
  readonly dialect?: Dialect;
  /** The probability with which the bound that the formulas come from may fail. The measures themselves bound nothing. */
  readonly delta?: number;
  /** Floor of magnitude-aware noise and boxes. */
  readonly epsilon?: number;
  /** The drop of accuracy that the searches aim at. */
  readonly target?: number;
  readonly seed?: number;
  readonly batchSize?: number;
  /** More options of the searches for sigma and for alpha: those that are not said here, or follow from the dialect. */
  readonly sigma?: Without<FindSigmaOptions, SaidOnce>;
  readonly alpha?: Without<FindAlphaOptions, SaidOnce>;
}

/** `Omit` from each member of a union. */
type Without<Union, Names extends PropertyKey> = Union extends unknown ? Omit<Union, Names> : never;

/** The options that all searches and the formulas share. */
const SAID_ONCE = [
  ...SUBJECT_OPTIONS,
  ...LONG_WORK_OPTIONS,
  'magnitudeAware',
  'target',
  'seed',
  'epsilon',
  'batchSize',
  'noise',
] as const;

type SaidOnce = (typeof SAID_ONCE)[number];

const OPTIONS = [
  ...SUBJECT_OPTIONS,
  ...LONG_WORK_OPTIONS,
  'initial',
  'measures',
  'dialect',
  'delta',
  'epsilon',
  'target',
  'seed',
  'batchSize',
  'sigma',
  'alpha',
] as const satisfies readonly (keyof MeasureFlatnessOptions)[];

/**
 * The flatness of a trained model: QGen's eight measures and the four flatness values, each with the 95 % interval that
 * its search leaves, from one shared set of at most four searches (`findSigma` and `findAlpha`, plain and
 * magnitude-aware). `data` is the training set: m is its size. Smaller is flatter in every measure, larger in every scale.
 * The intervals hold what other draws would change, not another training. The searches are about a drop of accuracy, so
 * classifiers are measured, binary ones included, and a regression is refused.
 *
 * A search that found no scale leaves its measures null, and one that ran into the end of its range marks them. The
 * model is restored bit for bit; an abort ends the search in hand and leaves out those that follow.
 * Where a search for alpha is among them, `registerKernels()` is awaited first.
 *
 * @throws as `findSigma`, and RangeError if `initial` does not fit the model or there is no such measure
 */
export async function measureFlatness(
  model: ModelLike,
  data: Data,
  options: MeasureFlatnessOptions = {},
): Promise<FlatnessReport> {
  const caller = 'measureFlatness';
  checkOptions(options, caller);
  const { initial, measures = MEASURE_IDS, dialect = 'qgen', delta = 0.05, epsilon = 1e-3 } = options;
  const scope = options.scope ?? (dialect === 'dziugaite2020' ? 'all' : 'weights');
  const subject = openModel(model, { ...options, scope }, caller);
  try {
    const w = await flatWeights(subject.parameters);
    const w0 = initial ? initialWeights(subject, initial, caller) : null;
    const examples = await openExamples(subject, data, caller);
    const { target = 0.1, seed = 0, batchSize, signal, onProgress } = options;
    const common = { target, seed, batchSize, epsilon, signal, clean: cleanAnswers(examples.size) };
    const needs = (prefix: string) => measures.some((id) => /^(.*)\.[a-z]+$/.exec(id)?.[1] === prefix);
    if (needs('sharpness') || needs('sharpness.mag')) await registerKernels();
    const reporting = (search: SearchName) => ({
      onProgress: (progress: SearchProgress) => onProgress?.({ search, ...progress }),
    });
    const sigma = (search: SearchName, magnitudeAware: boolean) => {
      const noise = dialect === 'dziugaite2020' ? 'dziugaite2020' : 'standard';
      const chosen = { ...common, noise, ...options.sigma, ...reporting(search), magnitudeAware } as const;
      return searchSigma(subject, examples, chosen, caller);
    };
    const alpha = (search: SearchName, magnitudeAware: boolean) =>
      searchAlpha(subject, examples, { ...common, ...options.alpha, ...reporting(search), magnitudeAware }, caller);
    const searches: Searches = {
      sigma: needs('pacBayes') ? await sigma('sigma', false) : null,
      sigmaMagnitude: needs('pacBayes.mag') ? await sigma('sigmaMagnitude', true) : null,
      alpha: needs('sharpness') ? await alpha('alpha', false) : null,
      alphaMagnitude: needs('sharpness.mag') ? await alpha('alphaMagnitude', true) : null,
    };
    const setting: FlatnessSetting = {
      ...measuredOn(subject),
      dialect,
      m: examples.size,
      delta,
      epsilon,
      target,
      seed,
      madeBy: MADE_BY,
    };
    return flatnessReport({ w, w0, searches, measures, setting });
  } finally {
    subject.close();
  }
}

function checkOptions(options: MeasureFlatnessOptions, caller: string): void {
  requireKnownOptions(caller, options, OPTIONS);
  const { initial, measures, target, seed, batchSize, epsilon, sigma, alpha } = options;
  requireFormulaOptions(options, caller);
  requireSeed(caller, seed ?? 0);
  if (initial !== undefined) requireSnapshot(initial, 'initial', caller);
  if (measures !== undefined && !Array.isArray(measures))
    throw new TypeError(`${caller}: measures must be an array of ids, got ${shown(measures)}`);
  for (const id of measures ?? [])
    if (!MEASURE_IDS.includes(id))
      throw new RangeError(`${caller}: there is no measure ${shown(id)}; there are ${MEASURE_IDS.join(', ')}`);
  const elsewhere = Object.fromEntries(SAID_ONCE.map((name) => [name, 'measureFlatness itself']));
  const common = { target, seed, batchSize, epsilon };
  requireKnownOptions(`${caller}, sigma`, sigma, namesOf(sigma), elsewhere);
  requireKnownOptions(`${caller}, alpha`, alpha, namesOf(alpha), elsewhere);
  checkSigmaOptions({ ...common, ...sigma }, caller);
  checkAlphaOptions({ ...common, ...alpha }, caller);
}

/** The names of nested options that are not said once for all searches; the searches know which of them exist. */
function namesOf(options: object | undefined): string[] {
  return Object.keys(options ?? {}).filter((name) => !(SAID_ONCE as readonly string[]).includes(name));
}
