import {
  type Data,
  type Examples,
  type LongWork,
  requireCounts,
  requireOneOf,
  requirePositive,
  requireTarget,
  startWork,
} from '@qgen/core';
import { openExamples } from '../open-examples';
import type { ModelLike } from '../parameters';
import type { Noise } from '../perturb';
import { openSubject, type Subject, type SubjectOptions } from '../subject';
import { flatWeights, rootMeanSquare } from '../weights';
import { bisectSearch } from './bisect';
import { requireRange } from './bisect-range';
import { type CleanAnswers, cleanAnswers } from './clean-answers';
import { createDraws } from './draws';
import { estimate, type FastState, fastSearch } from './fast';
import { paperSearch } from './paper';
import type { SearchOutcome, SearchProgress, SearchResult } from './result';

export interface FindSigmaOptions extends SubjectOptions, LongWork<SearchProgress> {
  /** Noise of standard deviation sqrt(sigma'^2 w^2 + epsilon^2) in place of sigma. */
  readonly magnitudeAware?: boolean;
  /** The drop of accuracy that sigma stands for. */
  readonly target?: number;
  /**
   * `'fast'`: draws on small random subsets and the root of a power law. `'paper'`: the bisection of the literature,
   * defects included. `'bisect'`: bisection in ln sigma whose nodes stop as soon as they are sure.
   */
  readonly protocol?: 'fast' | 'paper' | 'bisect';
  /** `'fast'` and `'bisect'`: half the 95 % interval (`'bisect'`: half the bracket) of ln sigma at which to stop. */
  readonly relativeTolerance?: number;
  /** Draw k of a seed is the same noise for every model of one architecture, so that differences are paired. */
  readonly seed?: number;
  /** Floor of magnitude-aware noise. */
  readonly epsilon?: number;
  /** `'dziugaite2020'`: the standard deviation is sigma^2, or sigma'^2 w^2 + epsilon^2, as in that paper's code. */
  readonly noise?: Noise['convention'];
  /** Examples that a draw sees: 32 for `'fast'`, more where noise costs more than passes; all for `'bisect'` unless said. */
  readonly examplesPerDraw?: number;
  /** `'fast'`, `'bisect'`: stop after this many examples, clean passes included. */
  readonly maxExamples?: number;
  /** `'fast'`, `'bisect'`: the scale to try first, say the value found for a sibling. */
  readonly start?: number;
  /** `'paper'`: the interval that is halved, how often, with how many draws, and where it stops. */
  readonly range?: readonly [number, number];
  readonly iterations?: number;
  readonly drawsPerNode?: number;
  readonly tolerance?: number;
  /** `'bisect'`: decide nodes by a confidence sequence, valid however often it is looked at. */
  readonly strict?: boolean;
  /** Examples on the device at once. */
  readonly batchSize?: number;
}

/**
 * Finds sigma, the standard deviation of Gaussian noise on the weights that costs a given accuracy (0.1): the root of
 *
 *     D(sigma) = acc(w) - E acc(w + u) = target,   u_i ~ N(0, sigma^2), or N(0, sigma'^2 w_i^2 + epsilon^2)
 *
 * A larger sigma is flatter.
 *
 * QGen, section on flatness; Dziugaite et al. 2020; Jiang et al. 2019. What w is: `SubjectOptions`. The drop is signed:
 * a gain of accuracy is no displacement (but see `protocol: 'paper'`).
 *
 * A model at chance gives status `unreachable`, one that nothing disturbs `saturated-high`; both have no value. `'paper'`
 * knows nothing of chance, has no interval, and keeps its last midpoint as the value of a saturated search, with a warning.
 * The model is restored bit for bit on every way out; an abort gives status `aborted` and what is known by then.
 *
 * @throws RangeError for empty data, labels that are no classes, a model whose clean outputs are NaN, options out of
 * range; TypeError for a model or data of another form
 */
export async function findSigma(model: ModelLike, data: Data, options: FindSigmaOptions = {}): Promise<SearchResult> {
  checkSigmaOptions(options, 'findSigma');
  const subject = openSubject(model, options, 'findSigma');
  try {
    const examples = await openExamples(subject, data, 'findSigma');
    return await searchSigma(subject, examples, options, 'findSigma');
  } finally {
    subject.close();
  }
}

/** `findSigma` on a model and data that are already open. */
export async function searchSigma(
  subject: Subject,
  examples: Examples,
  options: FindSigmaOptions & { readonly clean?: CleanAnswers },
  caller: string,
): Promise<SearchResult> {
  const { magnitudeAware = false, target = 0.1, protocol = 'fast', relativeTolerance = 0.03, seed = 0 } = options;
  const {
    epsilon = 1e-3,
    noise: convention = 'standard',
    batchSize = subject.batchSize,
    maxExamples = 2 ** 17,
  } = options;
  const fast: FastState = { phase: 'bracket', fit: null, trace: [] };
  const progress = (): SearchProgress => ({
    phase: protocol === 'fast' ? fast.phase : protocol,
    scale: draws.state.scale,
    ...known(),
    draws: draws.state.draws,
    examplesEvaluated: draws.state.examplesEvaluated,
  });
  const known = (): Pick<SearchOutcome, 'value' | 'ci95'> & { estimate: number | null } => {
    const now = fast.fit ? estimate(fast.fit) : { value: null, ci95: null };
    return { ...now, estimate: now.value };
  };
  const noise = { magnitudeAware, epsilon, convention };
  const work = startWork({ signal: options.signal, onProgress: options.onProgress });
  const { clean = cleanAnswers(examples.size) } = options;
  const draws = createDraws(subject, examples, { noise, seed, batchSize, clean, work, progress }, caller);

  const run = async (): Promise<SearchOutcome> => {
    if (protocol === 'paper') {
      const { range = [0, 2], iterations = 15, drawsPerNode = 10, tolerance = 0.01 } = options;
      return paperSearch(draws, fast.trace, { target, range, iterations, drawsPerNode, tolerance });
    }
    const common = {
      target,
      start: options.start ?? (await firstScale(subject, noise)),
      relativeTolerance,
      maxExamples,
    };
    const size = examples.size;
    if (protocol === 'fast')
      return fastSearch(draws, fast, { ...common, examplesPerDraw: options.examplesPerDraw ?? 32, size });
    const bisect = { ...common, examplesPerDraw: options.examplesPerDraw, strict: options.strict ?? false, size };
    return bisectSearch(draws, fast.trace, bisect);
  };
  const outcome = await run().catch((error: unknown): SearchOutcome => {
    if (!options.signal?.aborted) throw error;
    const { value, ci95 } = known();
    return { value, ci95, status: 'aborted' };
  });
  work.report({ ...progress(), phase: 'done', estimate: outcome.value, ci95: outcome.ci95 });
  const { examplesEvaluated } = draws.state;
  return {
    value: outcome.value,
    ci95: outcome.ci95,
    status: outcome.status,
    target,
    magnitudeAware,
    protocol,
    view: subject.view,
    scope: subject.scope,
    batchNorm: subject.batchNorm,
    accuracy: clean.right / clean.known,
    examplesInBaseline: clean.known,
    examplesEvaluated,
    passEquivalents: examplesEvaluated / examples.size,
    draws: draws.state.draws,
    seed,
    nonMonotone: outcome.nonMonotone ?? false,
    trace: fast.trace,
    warnings: outcome.warnings ?? [],
  };
}

/** 0.2 rms(w), or 0.2 where noise is relative to w; under the official code's convention the root of that. */
async function firstScale(subject: Subject, { magnitudeAware, convention }: Noise): Promise<number> {
  const scale = magnitudeAware ? 0.2 : 0.2 * (rootMeanSquare(await flatWeights(subject.parameters)) || 1);
  return convention === 'standard' ? scale : Math.sqrt(scale);
}

/** @throws RangeError for an option out of range */
export function checkSigmaOptions(options: FindSigmaOptions, caller: string): void {
  requireOneOf(caller, 'protocol', options.protocol ?? 'fast', ['fast', 'paper', 'bisect']);
  requireOneOf(caller, 'noise', options.noise ?? 'standard', ['standard', 'dziugaite2020']);
  const { target = 0.1, relativeTolerance = 0.03, epsilon = 1e-3, start = 1, tolerance = 0.01, range } = options;
  requireTarget(caller, target);
  requirePositive(caller, { relativeTolerance, epsilon, start, tolerance });
  const { examplesPerDraw, maxExamples, iterations, drawsPerNode, batchSize } = options;
  requireCounts(caller, { examplesPerDraw, maxExamples, iterations, drawsPerNode, batchSize });
  requireRange(caller, range);
}
