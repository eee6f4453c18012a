import { type Data, type LongWork, openData } from '@qgen/core';
import { registerKernels } from '@qgen/kernels/register';
import { type FlatnessReport, flatnessReport, type Searches, type SearchName } from './flatness-report';
import { type Dialect, MEASURE_IDS, type MeasureId } from './measures-from-scales';
import type { ModelLike } from './parameters';
import { cleanAnswers } from './search/clean-answers';
import { type FindAlphaOptions, searchAlpha } from './search/find-alpha';
import { type FindSigmaOptions, searchSigma } from './search/find-sigma';
import type { SearchProgress } from './search/result';
import { initialWeights, type Snapshot } from './snapshot';
import { openSubject, type SubjectOptions } from './subject';
import { flatWeights } from './weights';

export interface FlatnessProgress extends SearchProgress {
  readonly search: SearchName;
}

export interface MeasureFlatnessOptions extends SubjectOptions, LongWork<FlatnessProgress> {
  /** The weights at initialization, from `snapshot`. */
  readonly initial: Snapshot;
  /** Which measures; all of them unless said. Only the searches that they need are made. */
  readonly measures?: readonly MeasureId[];
  /**
   * Which reading of the formulas; `'seed'` unless said. `'dziugaite2020'` also injects that code's noise, and perturbs
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
  /** More options of the searches for sigma and for alpha. */
  readonly sigma?: Partial<Omit<FindSigmaOptions, keyof SubjectOptions | 'magnitudeAware'>>;
  readonly alpha?: Partial<Omit<FindAlphaOptions, keyof SubjectOptions | 'magnitudeAware'>>;
}

/**
 * The flatness of a trained model: QGen's eight measures and the four flatness values, each with the 95 % interval that
 * its search leaves, from one shared set of at most four searches (`findSigma` and `findAlpha`, plain and
 * magnitude-aware). `data` is the training set: m is its size. Smaller is flatter in every measure, larger in every scale.
 * The intervals hold what other draws would change, not another training.
 *
 * A search that found no scale leaves its measures null, and one that ran into the end of its range marks them. The
 * model is restored bit for bit; an abort ends the search in hand and leaves out those that follow.
 * Where a search for alpha is among them, `registerKernels()` is awaited first.
 *
 * @throws as `findSigma`, and RangeError if `initial` does not fit the model
 */
export async function measureFlatness(
  model: ModelLike,
  data: Data,
  options: MeasureFlatnessOptions,
): Promise<FlatnessReport> {
  const { initial, measures = MEASURE_IDS, dialect = 'seed', delta = 0.05, epsilon = 1e-3 } = options;
  const caller = 'measureFlatness';
  for (const id of measures)
    if (!MEASURE_IDS.includes(id))
      throw new RangeError(`${caller}: there is no measure '${id}'; there are ${MEASURE_IDS.join(', ')}`);
  const scope = options.scope ?? (dialect === 'dziugaite2020' ? 'all' : 'weights');
  const subject = openSubject(model, { ...options, scope }, caller);
  try {
    const [w, w0] = [await flatWeights(subject.parameters), initialWeights(subject, initial, caller)];
    const examples = await openData(data, caller, subject.expects);
    const { target, seed, batchSize, signal, onProgress } = options;
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
    const { view, batchNorm } = subject;
    const setting = { view, scope: subject.scope, batchNorm, dialect, delta, epsilon, m: examples.size };
    return flatnessReport({ w, w0, searches, measures, setting });
  } finally {
    subject.close();
  }
}
