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
import { registerKernels } from '@qgen/kernels/register';
import * as tf from '@tensorflow/tfjs-core';
import { type Evaluation, evaluate } from '../evaluate';
import { openExamples } from '../open-examples';
import type { ModelLike } from '../parameters';
import { openSubject, type Subject, type SubjectOptions } from '../subject';
import { flatWeights, rootMeanSquare } from '../weights';
import { type Ascent, type AscentStep, sgdAscent, signAscent } from './ascent';
import { type BallShape, ballRadii } from './ball';
import { bisectRange, requireRange } from './bisect-range';
import { type Bracket, bracketAndPolish } from './bracket-and-polish';
import type { CleanAnswers } from './clean-answers';
import { dealer } from './dealer';
import { refuseNotFinite } from './draws';
import type { SearchOutcome, SearchProgress, SearchResult, TracePoint } from './result';

export interface FindAlphaOptions extends SubjectOptions, LongWork<SearchProgress> {
  /** The box |u_i| <= alpha' (|w_i| + epsilon) in place of |u_i| <= alpha. */
  readonly magnitudeAware?: boolean;
  /** The drop of accuracy that alpha stands for. */
  readonly target?: number;
  /** `'signPGD'`: sign-gradient ascent, deterministic. `'paper'`: stochastic gradient ascent and bisection of a range. */
  readonly ascent?: 'signPGD' | 'paper';
  readonly epsilon?: number;
  /** Where epsilon stands in the magnitude-aware box; see `BallShape`. */
  readonly epsilonInBall?: BallShape['epsilonInBall'];
  /** `'signPGD'`: half the bracket of ln alpha at which to stop. */
  readonly relativeTolerance?: number;
  /** `'signPGD'`: steps of an ascent, while bracketing and at the end. */
  readonly bracketSteps?: number;
  readonly steps?: number;
  /** `'signPGD'`: the scale to try first. */
  readonly start?: number;
  /** No new ascent starts after this many examples, a gradient counting as three. */
  readonly maxExamples?: number;
  /** `'paper'`: mini-batch ascent. As 20 full-batch steps (`batchSize` = m) its displacement is next to nothing. */
  readonly epochs?: number;
  readonly ascentBatchSize?: number;
  readonly learningRate?: number;
  /** `'paper'`: the interval that is halved, how often, and where it stops. */
  readonly range?: readonly [number, number];
  readonly iterations?: number;
  readonly tolerance?: number;
  /** `'paper'`: order of the mini-batches. */
  readonly seed?: number;
  /** Examples on the device at once. */
  readonly batchSize?: number;
}

/** What is known about the box whose worst point costs the target accuracy. */
export interface AlphaResult extends SearchResult {
  readonly ascent: 'signPGD' | 'paper';
  readonly epsilonInBall: BallShape['epsilonInBall'] | null;
  /** max |u_i| / r_i at the end of the ascent nearest to the value; below 0.5 the box never mattered. */
  readonly occupancy: number | null;
  /** Loss and accuracy of the iterates of that ascent. */
  readonly trajectory: readonly AscentStep[];
}

/**
 * Finds alpha, the half-width of the box around the weights in which an adversary can cost a given accuracy (0.1): the
 * first upward crossing of
 *
 *     D(alpha) = acc(w) - min over iterates of acc(w + u) = target,   |u_i| <= alpha, or alpha' (|w_i| + epsilon)
 *
 * A larger alpha is flatter.
 *
 * QGen, section on sharpness; Keskar et al. 2017; Jiang et al. 2019. Judged on all of `data`: on a subset alpha comes
 * out low, by 15 to 35 % for 128 of 4000 examples, so compare models at equal numbers of examples.
 *
 * `ci95` is the bracket at the end: the ascent is deterministic. A floor that alone costs more than the target
 * (`epsilonInBall: 'additive'`) gives `saturated-low`, a model that nothing disturbs `saturated-high`, one at chance
 * `unreachable`, all without a value. `'paper'` has no interval, and keeps its last midpoint as the value of a saturated
 * search, with a warning. The model is restored bit for bit on every way out. Awaits
 * `registerKernels()`, for the ascent differentiates.
 *
 * @throws RangeError for empty data, labels that are no classes, a model whose clean outputs are NaN, options out of
 * range; TypeError for a model or data of another form
 */
export async function findAlpha(model: ModelLike, data: Data, options: FindAlphaOptions = {}): Promise<AlphaResult> {
  checkAlphaOptions(options, 'findAlpha');
  const subject = openSubject(model, options, 'findAlpha');
  try {
    await registerKernels();
    const examples = await openExamples(subject, data, 'findAlpha');
    return await searchAlpha(subject, examples, options, 'findAlpha');
  } finally {
    subject.close();
  }
}

/** Accuracies are counts over m: a drop of exactly the target must not fail by the last bit. */
const ROUNDING = 1e-9;

const OUT_OF_BUDGET = Symbol('out of budget');

/** `findAlpha` on a model and data that are already open. */
export async function searchAlpha(
  subject: Subject,
  examples: Examples,
  options: FindAlphaOptions & { readonly clean?: CleanAnswers },
  caller: string,
): Promise<AlphaResult> {
  const { magnitudeAware = false, target = 0.1, ascent = 'signPGD', seed = 0, epsilon = 1e-3 } = options;
  const { epsilonInBall = 'scaled', batchSize = subject.batchSize, signal, onProgress } = options;
  const { maxExamples = Number.POSITIVE_INFINITY } = options;
  const bracket: Bracket = { low: null, high: null };
  const trace: TracePoint[] = [];
  let accuracy = Number.NaN;
  let [examplesEvaluated, draws, scale] = [0, 0, 0];
  let nearest: Ascent | undefined;
  const known = () => {
    const { low, high } = bracket;
    if (low === null || high === null) return { estimate: null, ci95: null };
    return { estimate: Math.sqrt(low * high), ci95: [low, high] as const };
  };
  const progress = (): SearchProgress => ({ phase: ascent, scale, ...known(), draws, examplesEvaluated });
  const work = startWork({ signal, onProgress });
  const passes = { batchSize, work: { ...work, checkpoint: () => work.checkpoint(progress) } };

  const deal = dealer(examples.size, seed);
  const { epochs = 20, ascentBatchSize = 128, learningRate = 1e-4 } = options;
  const dropAt = async (at: number, steps: number): Promise<number> => {
    if (examplesEvaluated >= maxExamples) throw OUT_OF_BUDGET;
    scale = at;
    const radii = ballRadii(subject, { magnitudeAware, epsilon, epsilonInBall, scale });
    try {
      const common = { ...passes, radii, enough: accuracy - target + ROUNDING };
      const found =
        ascent === 'signPGD'
          ? await signAscent(subject, examples, { ...common, steps }, caller)
          : await sgdAscent(subject, examples, { ...common, epochs, ascentBatchSize, learningRate, deal }, caller);
      const drop = accuracy - found.accuracy;
      if (drop < target - ROUNDING || nearest === undefined) nearest = found;
      examplesEvaluated += found.examplesEvaluated;
      draws += found.trajectory.length;
      trace.push({ scale, drop, draws: found.trajectory.length, examples: examples.size });
      return drop;
    } finally {
      tf.dispose([...radii]);
    }
  };

  const run = async (): Promise<SearchOutcome> => {
    const clean = await evaluate(subject, examples, passes, caller);
    refuseNotFinite(clean.notFinite, examples.size, caller);
    if (options.clean) remember(options.clean, clean);
    accuracy = clean.accuracy;
    examplesEvaluated += examples.size;
    if (accuracy - 1 / clean.classes < target) return { value: null, ci95: null, status: 'unreachable' };
    if (ascent === 'paper') {
      const { range = [0, 2], iterations = 15, tolerance = 0.01 } = options;
      return bisectRange((at) => dropAt(at, 0), { target, range, iterations, tolerance });
    }
    const { relativeTolerance = 0.01, bracketSteps = 5, steps = 20 } = options;
    const unit = magnitudeAware ? 1 : rootMeanSquare(await flatWeights(subject.parameters)) || 1;
    const start = options.start ?? 0.01 * unit;
    return bracketAndPolish(dropAt, bracket, {
      target: target - ROUNDING,
      start,
      relativeTolerance,
      bracketSteps,
      steps,
    });
  };
  const outcome = await run().catch((error: unknown): SearchOutcome => {
    if (!signal?.aborted && error !== OUT_OF_BUDGET) throw error;
    const { estimate: value, ci95 } = known();
    return { value, ci95, status: error === OUT_OF_BUDGET ? 'budget' : 'aborted' };
  });
  work.report({ ...progress(), phase: 'done', estimate: outcome.value, ci95: outcome.ci95 });
  const reached = nearest?.occupancy ?? null;
  const warnings = [...(outcome.warnings ?? [])];
  if (reached !== null && reached < 0.5)
    warnings.push(`the ascent reached only ${reached.toPrecision(2)} of the box: alpha says nothing about its size`);
  return {
    value: outcome.value,
    ci95: outcome.ci95,
    status: outcome.status,
    target,
    magnitudeAware,
    protocol: ascent,
    ascent,
    epsilonInBall: magnitudeAware ? epsilonInBall : null,
    view: subject.view,
    scope: subject.scope,
    batchNorm: subject.batchNorm,
    accuracy,
    examplesInBaseline: Number.isNaN(accuracy) ? 0 : examples.size,
    examplesEvaluated,
    passEquivalents: examplesEvaluated / examples.size,
    draws,
    seed,
    nonMonotone: outcome.nonMonotone ?? false,
    occupancy: reached,
    trajectory: nearest?.trajectory ?? [],
    trace,
    warnings,
  };
}

function remember(answers: CleanAnswers, { correct, classes }: Evaluation): void {
  answers.classes = classes;
  for (const [index, right] of correct.entries()) answers.set(index, right);
}

/** @throws RangeError for an option out of range */
export function checkAlphaOptions(options: FindAlphaOptions, caller: string): void {
  requireOneOf(caller, 'ascent', options.ascent ?? 'signPGD', ['signPGD', 'paper']);
  requireOneOf(caller, 'epsilonInBall', options.epsilonInBall ?? 'scaled', ['scaled', 'additive']);
  const { target = 0.1, relativeTolerance = 0.01, epsilon = 1e-3, start = 1, range } = options;
  const { learningRate = 1e-4, tolerance = 0.01 } = options;
  requireTarget(caller, target);
  requirePositive(caller, { relativeTolerance, epsilon, start, learningRate, tolerance });
  const { bracketSteps, steps, epochs, ascentBatchSize, iterations, maxExamples, batchSize } = options;
  requireCounts(caller, { bracketSteps, steps, epochs, ascentBatchSize, iterations, maxExamples, batchSize });
  requireRange(caller, range);
}
