import { type Data, displayed, type Examples, startWork } from '@qgen/core';
import { registerKernels } from '@qgen/kernels/register';
import * as tf from '@tensorflow/tfjs-core';
import type { Displacement } from '../../perturbation/displacement';
import { type EvaluateOptions, type Evaluation, evaluate } from '../../subject/evaluate';
import { flatWeights, rootMeanSquare } from '../../subject/flat-weights';
import { openExamples } from '../../subject/open-examples';
import { type OpenModel, openModel } from '../../subject/open-model';
import { measuredOn } from '../../subject/options';
import type { ModelLike } from '../../subject/parameters';
import { bisectRange } from '../bisect-range';
import { chanceWarnings } from '../chance';
import { type CleanAnswers, refuseNotFinite } from '../clean-answers';
import { exampleOrder } from '../example-order';
import type { SearchEvidence, SearchOutcome, SearchProgress, TracePoint } from '../result';
import { searchSheet } from '../search-sheet';
import {
  checkAlphaOptions,
  type FindAlphaOptions,
  type PaperAlphaOptions,
  type SignAlphaOptions,
} from './alpha-options';
import { type Ascent, type AscentStep, sgdAscent, signAscent } from './ascent';
import { type BallShape, ballRadii } from './ball';
import { type Bracket, bracketAndPolish } from './bracket-and-polish';

/** The box whose worst point costs the target accuracy. */
export interface AlphaResult extends SearchEvidence {
  /**
   * The last two boxes of `'signPGD'`: its ascent lost less than the target in one, and the target or more in the other.
   * No interval of confidence: it holds what this ascent finds with these steps, and another ascent may find an alpha
   * outside of it (of one net 20 steps give [.0217, .0220] and 100 steps [.0223, .0227]). Null for `'paper'`. Where the
   * search saturated, all that is known: beyond a limit.
   */
  readonly bracket: readonly [number, number] | null;
  readonly ascent: 'signPGD' | 'paper';
  readonly epsilonInBall: BallShape['epsilonInBall'] | null;
  /** max |u_i| / r_i at the end of the ascent nearest to the value; below 0.5 the box never mattered. */
  readonly occupancy: number | null;
  /** Loss and accuracy of the iterates of that ascent, step by step. */
  readonly ascentSteps: readonly AscentStep[];
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
 * out low, by 15 to 35 % for 128 of 4000 examples, so compare models at equal numbers of examples. The searches look at
 * accuracy, so classifiers are measured, binary ones included, and a regression is refused.
 *
 * A floor that alone costs more than the target (`epsilonInBall: 'additive'`) gives `saturated-low`, a model that nothing
 * disturbs `saturated-high`, one at chance `unreachable`, all without a value; less than two targets above chance the
 * result has a warning. `'paper'` has no bracket, and keeps its last midpoint as the value of a saturated search, with a
 * warning. The model is restored bit for bit on every way out. Awaits `registerKernels()`, for the ascent differentiates.
 *
 * @throws RangeError for empty data, labels that don't fit the outputs, weights that are NaN or infinite, an option that is
 * unknown, out of range or of the other ascent; TypeError for a model or data of another form
 */
export async function findAlpha(model: ModelLike, data: Data, options: FindAlphaOptions = {}): Promise<AlphaResult> {
  checkAlphaOptions(options, 'findAlpha');
  const subject = openModel(model, options, 'findAlpha');
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

/** A search: what it is of, and what it has found so far. */
interface Search {
  readonly subject: OpenModel;
  readonly examples: Examples;
  readonly options: FindAlphaOptions;
  readonly box: BallShape;
  readonly passes: EvaluateOptions;
  readonly bracket: Bracket;
  readonly trace: TracePoint[];
  /** Of the unperturbed model; NaN until it has run. */
  accuracy: number;
  classes: number;
  examplesEvaluated: number;
  draws: number;
  /** The box that is being tried. */
  scale: number;
  /** The ascent nearest to the value. */
  nearest: Ascent | undefined;
}

/** `findAlpha` on a model and data that are already open. */
export async function searchAlpha(
  subject: OpenModel,
  examples: Examples,
  options: FindAlphaOptions & { readonly clean?: CleanAnswers },
  caller: string,
): Promise<AlphaResult> {
  const { magnitudeAware = false, epsilon = 1e-3, ascent = 'signPGD', batchSize = subject.batchSize, signal } = options;
  const { epsilonInBall = ascent === 'paper' ? 'additive' : 'scaled' } = options;
  const work = startWork(options);
  const search: Search = {
    subject,
    examples,
    options,
    box: { magnitudeAware, epsilon, epsilonInBall },
    passes: { batchSize, work: { ...work, checkpoint: () => work.checkpoint(() => progressOf(search)) } },
    bracket: { low: null, high: null },
    trace: [],
    accuracy: Number.NaN,
    classes: Number.NaN,
    examplesEvaluated: 0,
    draws: 0,
    scale: 0,
    nearest: undefined,
  };
  const outcome = await run(search, options.clean, caller).catch((error: unknown): SearchOutcome => {
    if (!signal?.aborted && error !== OUT_OF_BUDGET) throw error;
    return { ...known(search.bracket), status: error === OUT_OF_BUDGET ? 'budget' : 'aborted' };
  });
  work.report({ ...progressOf(search), phase: 'done', estimate: outcome.value, bracket: outcome.interval });
  return resultOf(search, outcome);
}

async function run(search: Search, answers: CleanAnswers | undefined, caller: string): Promise<SearchOutcome> {
  const { subject, examples, options, passes } = search;
  const clean = await evaluate(subject, examples, passes, caller);
  refuseNotFinite(clean.notFinite, examples.size, caller);
  if (answers) remember(answers, clean);
  search.accuracy = clean.accuracy;
  search.classes = clean.classes;
  search.examplesEvaluated += examples.size;
  if (clean.accuracy - 1 / clean.classes < (options.target ?? 0.1))
    return { value: null, interval: null, status: 'unreachable' };
  return options.ascent === 'paper' ? paperSearch(search, options, caller) : signSearch(search, options, caller);
}

/** Mini-batch ascents in boxes that are bisected, as QGen describes it. */
function paperSearch(search: Search, options: PaperAlphaOptions, caller: string): Promise<SearchOutcome> {
  const { subject, examples, passes } = search;
  const { target = 0.1, range = [0, 2], iterations = 15, tolerance = 0.01, seed = 0 } = options;
  const { epochs = 20, ascentBatchSize = 128, learningRate = 1e-4 } = options;
  const climbing = { ...passes, epochs, ascentBatchSize, learningRate, deal: exampleOrder(examples.size, seed) };
  const climb = (radii: Displacement) => sgdAscent(subject, examples, { ...climbing, radii }, caller);
  return bisectRange((scale) => dropIn(search, scale, climb), { target, range, iterations, tolerance });
}

/** Sign ascents in boxes that are bracketed and halved. */
async function signSearch(search: Search, options: SignAlphaOptions, caller: string): Promise<SearchOutcome> {
  const { subject, examples, passes, box, accuracy, bracket } = search;
  const { target = 0.1, relativeTolerance = 0.01, bracketSteps = 5, steps = 20 } = options;
  const unit = box.magnitudeAware ? 1 : rootMeanSquare(await flatWeights(subject.parameters)) || 1;
  const { start = 0.01 * unit } = options;
  const enough = accuracy - target + ROUNDING;
  const climb = (count: number) => (radii: Displacement) =>
    signAscent(subject, examples, { ...passes, steps: count, radii, enough }, caller);
  const polish = { target: target - ROUNDING, start, relativeTolerance, bracketSteps, steps };
  return bracketAndPolish((scale, count) => dropIn(search, scale, climb(count)), bracket, polish);
}

/** The drop in the box of this scale, by an ascent within its radii. */
async function dropIn(search: Search, scale: number, climb: (radii: Displacement) => Promise<Ascent>): Promise<number> {
  const { subject, examples, options, box, accuracy, trace } = search;
  const { target = 0.1, maxExamples = Number.POSITIVE_INFINITY } = options;
  if (search.examplesEvaluated >= maxExamples) throw OUT_OF_BUDGET;
  search.scale = scale;
  const radii = ballRadii(subject, { ...box, scale });
  try {
    const found = await climb(radii);
    const drop = accuracy - found.accuracy;
    // A sign ascent is cut short where it passes the target; those of the paper end near the value.
    if (options.ascent === 'paper' || drop < target - ROUNDING || search.nearest === undefined) search.nearest = found;
    search.examplesEvaluated += found.examplesEvaluated;
    search.draws += found.ascentSteps.length;
    trace.push({ scale, drop, draws: found.ascentSteps.length, examples: examples.size });
    return drop;
  } finally {
    tf.dispose([...radii]);
  }
}

function known({ low, high }: Bracket): Pick<SearchOutcome, 'value' | 'interval'> {
  if (low === null || high === null) return { value: null, interval: null };
  return { value: Math.sqrt(low * high), interval: [low, high] };
}

function progressOf({ options, bracket, scale, draws, examplesEvaluated }: Search): SearchProgress {
  const { value, interval } = known(bracket);
  const { ascent = 'signPGD' } = options;
  return { phase: ascent, scale, estimate: value, ci95: null, bracket: interval, draws, examplesEvaluated };
}

function resultOf(search: Search, outcome: SearchOutcome): AlphaResult {
  const { subject, examples, options, box, trace, accuracy, classes, examplesEvaluated, draws, nearest } = search;
  const { target = 0.1, ascent = 'signPGD', seed = 0 } = options;
  const occupancy = nearest?.occupancy ?? null;
  const warnings = [...(outcome.warnings ?? [])];
  if (outcome.value !== null) warnings.push(...chanceWarnings(accuracy, classes, target));
  if (occupancy !== null && occupancy < 0.5)
    warnings.push(`the ascent reached only ${occupancy.toPrecision(2)} of the box: alpha says nothing about its size`);
  const result: AlphaResult = {
    value: outcome.value,
    bracket: outcome.interval,
    status: outcome.status,
    target,
    magnitudeAware: box.magnitudeAware,
    protocol: ascent,
    ascent,
    epsilonInBall: box.magnitudeAware ? box.epsilonInBall : null,
    ...measuredOn(subject),
    accuracy,
    examplesInBaseline: Number.isNaN(accuracy) ? 0 : examples.size,
    examplesEvaluated,
    passEquivalents: examplesEvaluated / examples.size,
    draws,
    seed,
    nonMonotone: outcome.nonMonotone ?? false,
    occupancy,
    ascentSteps: nearest?.ascentSteps ?? [],
    trace,
    warnings,
  };
  return displayed(result, searchSheet);
}

function remember(answers: CleanAnswers, { correct, classes }: Evaluation): void {
  answers.classes = classes;
  for (const [index, right] of correct.entries()) answers.set(index, right);
}
