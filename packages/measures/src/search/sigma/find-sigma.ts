import { type Data, displayed, type Examples, startWork } from '@qgen/core';
import type { Noise } from '../../perturbation/gaussian-noise';
import { flatWeights, rootMeanSquare } from '../../subject/flat-weights';
import { openExamples } from '../../subject/open-examples';
import { type OpenModel, openModel } from '../../subject/open-model';
import { measuredOn } from '../../subject/options';
import type { ModelLike } from '../../subject/parameters';
import { chanceWarnings } from '../chance';
import { type CleanAnswers, cleanAnswers } from '../clean-answers';
import type { SearchOutcome, SearchProgress, SearchResult } from '../result';
import { searchSheet } from '../search-sheet';
import { createDraws } from './draws';
import { describe, type FastState, fastSearch } from './fast';
import { paperSearch } from './paper';
import { checkSigmaOptions, type FindSigmaOptions } from './sigma-options';

/**
 * Finds sigma, the standard deviation of Gaussian noise on the weights that costs a given accuracy (0.1): the root of
 *
 *     D(sigma) = acc(w) - E acc(w + u) = target,   u_i ~ N(0, sigma^2), or N(0, sigma'^2 w_i^2 + epsilon^2)
 *
 * A larger sigma is flatter.
 *
 * QGen, section on flatness; Dziugaite et al. 2020; Jiang et al. 2019. What w is: `OpenModelOptions`. The drop is signed:
 * a gain of accuracy is no displacement (but see `protocol: 'paper'`). The searches look at accuracy, so classifiers are
 * measured, binary ones included, and a regression is refused.
 *
 * A model at chance gives status `unreachable`, one that nothing disturbs `saturated-high`; both have no value. Less than
 * two targets above chance the result has a warning. `'paper'` knows nothing of chance, has no interval, and keeps its
 * last midpoint as the value of a saturated search, with a warning. The model is restored bit for bit on every way out; an
 * abort gives status `aborted` and what is known by then.
 *
 * @throws RangeError for empty data, labels that don't fit the outputs, weights that are NaN or infinite, an option that is
 * unknown, out of range or of the other protocol; TypeError for a model or data of another form
 */
export async function findSigma(model: ModelLike, data: Data, options: FindSigmaOptions = {}): Promise<SearchResult> {
  checkSigmaOptions(options, 'findSigma');
  const subject = openModel(model, options, 'findSigma');
  try {
    const examples = await openExamples(subject, data, 'findSigma');
    return await searchSigma(subject, examples, options, 'findSigma');
  } finally {
    subject.close();
  }
}

/** `findSigma` on a model and data that are already open. */
export async function searchSigma(
  subject: OpenModel,
  examples: Examples,
  options: FindSigmaOptions & { readonly clean?: CleanAnswers },
  caller: string,
): Promise<SearchResult> {
  const { magnitudeAware = false, target = 0.1, seed = 0, epsilon = 1e-3, noise: convention = 'standard' } = options;
  const { batchSize = subject.batchSize, clean = cleanAnswers(examples.size), signal, onProgress } = options;
  const { protocol = 'fast' } = options;
  const fast: FastState = { phase: 'bracket', estimate: null, trace: [] };
  const progress = (): SearchProgress => {
    const { value, interval } = describe(fast.estimate);
    const phase = protocol === 'fast' ? fast.phase : protocol;
    return { phase, estimate: value, ci95: interval, bracket: null, ...draws.state };
  };
  const noise = { magnitudeAware, epsilon, convention };
  const work = startWork({ signal, onProgress });
  const draws = createDraws(subject, examples, { noise, seed, batchSize, clean, work, progress }, caller);

  const run = async (): Promise<SearchOutcome> => {
    if (options.protocol === 'paper') {
      const { range = [0, 2], iterations = 15, drawsPerNode = 10, tolerance = 0.01 } = options;
      return paperSearch(draws, fast.trace, { target, range, iterations, drawsPerNode, tolerance });
    }
    const { relativeTolerance = 0.03, examplesPerDraw = 32, maxExamples = 2 ** 18 } = options;
    const { start = await firstScale(subject, noise) } = options;
    const { size } = examples;
    return fastSearch(draws, fast, { target, start, relativeTolerance, examplesPerDraw, maxExamples, size });
  };
  const outcome = await run().catch((error: unknown): SearchOutcome => {
    if (!signal?.aborted) throw error;
    return { ...describe(fast.estimate), status: 'aborted' };
  });
  work.report({ ...progress(), phase: 'done', estimate: outcome.value, ci95: outcome.interval });
  const accuracy = clean.right / clean.known;
  const nearChance = outcome.value === null ? [] : chanceWarnings(accuracy, clean.classes, target);
  const { examplesEvaluated } = draws.state;
  const result: SearchResult = {
    value: outcome.value,
    ci95: outcome.interval,
    status: outcome.status,
    target,
    magnitudeAware,
    protocol,
    ...measuredOn(subject),
    accuracy,
    examplesInBaseline: clean.known,
    examplesEvaluated,
    passEquivalents: examplesEvaluated / examples.size,
    draws: draws.state.draws,
    seed,
    nonMonotone: outcome.nonMonotone ?? false,
    trace: fast.trace,
    warnings: [...(outcome.warnings ?? []), ...nearChance],
  };
  return displayed(result, searchSheet);
}

/** 0.2 rms(w), or 0.2 where noise is relative to w; under the official code's convention the root of that. */
async function firstScale(subject: OpenModel, { magnitudeAware, convention }: Noise): Promise<number> {
  const scale = magnitudeAware ? 0.2 : 0.2 * (rootMeanSquare(await flatWeights(subject.parameters)) || 1);
  return convention === 'standard' ? scale : Math.sqrt(scale);
}
