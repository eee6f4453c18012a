import {
  type BatchProgress,
  type Data,
  type Examples,
  LONG_WORK_OPTIONS,
  type LongWork,
  mean,
  requireBooleans,
  requireCounts,
  requireKnownOptions,
  requireNotNegative,
  requireSeed,
  standardError,
  startCountedWork,
} from '@qgen/core';
import { registerKernels } from '@qgen/kernels/register';
import * as tf from '@tensorflow/tfjs-core';
import { type Displacement, displace, normOf } from '../perturbation/displacement';
import { exampleOrder } from '../search/example-order';
import { type EvaluateOptions, evaluate } from '../subject/evaluate';
import { lossGradient } from '../subject/gradient';
import { openExamples } from '../subject/open-examples';
import { type OpenModel, openModel } from '../subject/open-model';
import { asTrained, type MeasuredOn, measuredOn, type OpenModelOptions, SUBJECT_OPTIONS } from '../subject/options';
import type { ModelLike } from '../subject/parameters';

export interface SamSharpnessOptions extends OpenModelOptions, LongWork<BatchProgress> {
  /** Radius of the ball. */
  readonly rho?: number;
  /** True for ASAM: the ball is |u / |w|| <= rho, which does not change when layers are rescaled. */
  readonly adaptive?: boolean;
  /** Ascent steps; 1 is SAM's closed form. More project onto the ball and keep the largest loss met. */
  readonly steps?: number;
  /** The m of m-sharpness: examples that share a perturbation. All of them unless said. */
  readonly groupSize?: number;
  /** Deals the examples to groups at random, so that the order of the data does not count. */
  readonly seed?: number;
  readonly batchSize?: number;
}

const OPTIONS = [
  ...SUBJECT_OPTIONS,
  ...LONG_WORK_OPTIONS,
  'rho',
  'adaptive',
  'steps',
  'groupSize',
  'seed',
  'batchSize',
] as const satisfies readonly (keyof SamSharpnessOptions)[];

export interface SamSharpness extends MeasuredOn {
  /** L(w + u) - L(w), the mean over groups: larger is sharper. NaN if an output is. */
  readonly value: number;
  /** The standard error of `value` over groups; NaN for fewer than two. */
  readonly standardError: number;
  /** L(w), the mean loss (`OutputKind`). */
  readonly loss: number;
  /** |g| at w over the parameters in scope, the mean over groups. Near 0 at a minimum. */
  readonly gradientNorm: number;
  readonly groups: number;
  readonly examples: number;
  readonly rho: number;
  readonly adaptive: boolean;
}

/**
 * Sharpness as sharpness-aware minimization defines it: `L(w + rho g/|g|) - L(w)` with the gradient g of L at w (Foret et
 * al. 2021, eq. 2); adaptive `L(w + rho T^2 g/|T g|) - L(w)` with `T = diag(|w|)` (Kwon et al. 2021, eq. 7). Several
 * steps climb by `2.5 rho / steps` in the same metric, each projected onto the ball. Where the gradient vanishes u = 0.
 * Larger is sharper. All parameters that training moves are displaced, kernels as stored, unless `scope` and `batchNorm`
 * say otherwise; compare models at one rho, on the same number of examples. With `groupSize` m the examples are dealt at
 * random to groups of m, and a rest that fills no group is left out (m-sharpness, Foret et al. 2021, section 4.1).
 * Awaits `registerKernels()`, for it differentiates.
 *
 * @throws RangeError for an unknown option, a rho below 0, steps or groupSize that is no count, a seed that is no integer
 * of 0 and more; TypeError for an adaptive that is no boolean; the data's and the model's errors
 */
export async function samSharpness(
  model: ModelLike,
  data: Data,
  options: SamSharpnessOptions = {},
): Promise<SamSharpness> {
  const caller = 'samSharpness';
  requireKnownOptions(caller, options, OPTIONS);
  const { rho = 0.05, adaptive = false, steps = 1, groupSize, seed = 0, batchSize = 256 } = options;
  requireNotNegative(caller, { rho });
  requireBooleans(caller, { adaptive });
  requireCounts(caller, { steps, groupSize, batchSize });
  requireSeed(caller, seed);
  const subject = openModel(model, asTrained(options), caller, 'any');
  try {
    await registerKernels();
    const examples = await openExamples(subject, data, caller);
    const groups = groupSize === undefined ? [examples] : dealGroups(examples, groupSize, seed);
    const passes = groups.reduce((sum, group) => sum + Math.ceil(group.size / batchSize), 0) * (steps + 1);
    const evaluation = { batchSize, work: startCountedWork(options, passes) };
    const results: GroupSharpness[] = [];
    for (const group of groups) results.push(await climb(subject, group, { rho, adaptive, steps, evaluation }));
    const rises = results.map((result) => result.rise);
    return {
      value: mean(rises),
      standardError: standardError(rises),
      loss: mean(results.map((result) => result.loss)),
      gradientNorm: mean(results.map((result) => result.gradientNorm)),
      groups: groups.length,
      examples: groups.reduce((sum, group) => sum + group.size, 0),
      rho,
      adaptive,
      ...measuredOn(subject),
    };
  } finally {
    subject.close();
  }
}

/** Groups of `size` examples at random; a smaller rest is left out, for its loss would weigh more. */
function dealGroups(examples: Examples, size: number, seed: number): Examples[] {
  if (size > examples.size)
    throw new RangeError(`samSharpness: groupSize must be from 1 to the ${examples.size} examples, got ${size}`);
  const deal = exampleOrder(examples.size, seed);
  return Array.from({ length: Math.floor(examples.size / size) }, () => {
    const members = deal(size);
    return { size, batch: (indices) => examples.batch(indices.map((index) => members[index])) };
  });
}

interface GroupSharpness {
  readonly rise: number;
  readonly loss: number;
  readonly gradientNorm: number;
}

interface Ascent {
  readonly rho: number;
  readonly adaptive: boolean;
  readonly steps: number;
  readonly evaluation: EvaluateOptions;
}

async function climb(
  subject: OpenModel,
  group: Examples,
  { rho, adaptive, steps, evaluation }: Ascent,
): Promise<GroupSharpness> {
  const scales = subject.parameters.map(({ centre }) => (adaptive ? tf.abs(centre) : tf.onesLike(centre)));
  let u: Displacement = scales.map((scale) => tf.zerosLike(scale));
  const losses: number[] = [];
  let gradientNorm = 0;
  try {
    subject.recentre();
    for (let step = 0; step < steps; step++) {
      const { loss, gradients } = await lossGradient(subject, group, evaluation, 'samSharpness');
      losses.push(loss);
      if (step === 0) gradientNorm = await normOf(gradients);
      const stride = steps === 1 ? rho : (2.5 * rho) / steps;
      u = renew(u, await ascend(u, { gradients, scales, stride, rho }));
      displace(subject, [u], [1]);
    }
    losses.push((await evaluate(subject, group, evaluation, 'samSharpness')).loss);
  } finally {
    tf.dispose([...scales, ...u]);
    subject.recentre();
  }
  const [loss, ...climbed] = losses as [number, ...number[]];
  return { rise: Math.max(...climbed) - loss, loss, gradientNorm };
}

/** u + stride T^2 g/|T g|, scaled back to |u / T| <= rho. Disposes the gradients. */
async function ascend(
  u: Displacement,
  move: { gradients: Displacement; scales: Displacement; stride: number; rho: number },
): Promise<Displacement> {
  const { scales, stride, rho } = move;
  const scaled = tf.tidy(() => move.gradients.map((gradient, i) => tf.mul(gradient, scales[i])));
  tf.dispose([...move.gradients]);
  const norm = await normOf(scaled);
  // In units of T: u / T, which is 0 where T is.
  const inside = tf.tidy(() =>
    scaled.map((part, i) => tf.add(tf.divNoNan(u[i], scales[i]), tf.mul(part, norm === 0 ? 0 : stride / norm))),
  );
  tf.dispose(scaled);
  const reach = await normOf(inside);
  const shrink = reach > rho ? rho / reach : 1;
  const moved = tf.tidy(() => inside.map((part, i) => tf.mul(tf.mul(part, shrink), scales[i])));
  tf.dispose(inside);
  return moved;
}

function renew(old: Displacement, next: Displacement): Displacement {
  tf.dispose([...old]);
  return next;
}
