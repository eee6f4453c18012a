import { type Examples, type RunningWork, range, scoreOutputs } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Noise, perturb } from '../../perturbation/gaussian-noise';
import { checkClasses, scoreBatch } from '../../subject/evaluate';
import type { OpenModel } from '../../subject/open-model';
import { type CleanAnswers, refuseNotFinite } from '../clean-answers';
import { exampleOrder } from '../example-order';
import type { SearchProgress } from '../result';

/** Random draws of noise at any scale, and the accuracy that each costs. */
export interface Draws {
  /**
   * One new draw of noise at `scale` on `count` examples of its own, compared with the clean answers to the same. Examples
   * are chosen anew for every draw, so that draws are independent and their scatter gives the error of their mean. Dealt
   * round after round they would have a better mean, of an unknown error.
   */
  subset(scale: number, count: number): Promise<number>;
  /** One new draw of noise at `scale` on all examples: their accuracy. */
  full(scale: number): Promise<number>;
  /** Accuracy without noise on all examples. */
  cleanAccuracy(): Promise<number>;
  readonly clean: CleanAnswers;
  readonly state: DrawsState;
}

/** The cost of the draws so far. */
interface DrawsState {
  draws: number;
  examplesEvaluated: number;
  /** The scale that is being tried, for progress. */
  scale: number;
}

export interface DrawsOptions {
  readonly noise: Noise;
  readonly seed: number;
  readonly batchSize: number;
  readonly clean: CleanAnswers;
  readonly work: RunningWork<SearchProgress>;
  readonly progress: () => SearchProgress;
}

/** Draw k of a seed is the same noise and, of data of one size, the same examples, whatever the scale. */
export function createDraws(subject: OpenModel, examples: Examples, options: DrawsOptions, caller: string): Draws {
  const { noise, seed, batchSize, clean, work, progress } = options;
  const state: DrawsState = { draws: 0, examplesEvaluated: 0, scale: 0 };
  const pass: Pass = { ...options, subject, examples, state, caller };
  return {
    clean,
    state,
    async subset(scale, count) {
      const draw = state.draws++;
      const indices = exampleOrder(examples.size, seed, draw)(Math.min(count, examples.size));
      state.scale = scale;
      let sum = 0;
      for (let start = 0; start < indices.length; start += batchSize) {
        await work.checkpoint(progress);
        sum += await drops(pass, indices.subarray(start, start + batchSize), scale, draw);
      }
      return sum / indices.length;
    },
    async full(scale) {
      const draw = state.draws++;
      state.scale = scale;
      perturb(subject, { ...noise, scale }, { seed, draw });
      return accuracyOf(pass, () => {}).finally(() => subject.recentre());
    },
    cleanAccuracy: async () => {
      if (clean.known === clean.size) return clean.right / clean.size;
      return accuracyOf(pass, (indices, scores) => noteClean(pass, indices, scores));
    },
  };
}

/** The arguments of every pass over examples. */
interface Pass extends DrawsOptions {
  readonly subject: OpenModel;
  readonly examples: Examples;
  readonly state: DrawsState;
  readonly caller: string;
}

type BatchScores = Awaited<ReturnType<typeof scoreBatch>>;

/** The number of right answers that a draw of noise costs on a batch. */
async function drops(pass: Pass, indices: Int32Array, scale: number, draw: number): Promise<number> {
  const { subject, examples, state, clean, caller } = pass;
  const { xs, labels } = await examples.batch(indices);
  const unknown = range(0, indices.length).filter((i) => clean.get(indices[i]) === undefined);
  const { noisy, unperturbed, shape } = await bothOutputs(pass, xs, unknown, { scale, draw });
  clean.classes = checkClasses({ size: noisy.length, shape, labels }, caller);
  const scored = { classes: clean.classes, kind: subject.outputKind };
  if (unperturbed)
    noteClean(
      pass,
      unknown.map((i) => indices[i]),
      scoreOutputs(
        unperturbed,
        unknown.map((i) => labels[i]),
        scored,
      ),
    );
  state.examplesEvaluated += indices.length + unknown.length;
  const { correct } = scoreOutputs(noisy, labels, scored);
  return indices.reduce((sum, index, i) => sum + clean.get(index)! - correct[i], 0);
}

/**
 * The outputs under a draw of noise, and the clean ones of the examples at the places `unknown`. The two are read back
 * together. Disposes `xs`.
 */
async function bothOutputs(
  { subject, noise, seed }: Pass,
  xs: tf.Tensor,
  unknown: Int32Array,
  { scale, draw }: { readonly scale: number; readonly draw: number },
) {
  const pending: tf.Tensor[] = [];
  try {
    perturb(subject, { ...noise, scale }, { seed, draw });
    const perturbed = tf.tidy(() => subject.predict(xs));
    pending.push(perturbed);
    subject.recentre();
    const all = unknown.length === xs.shape[0];
    if (unknown.length > 0)
      pending.push(tf.tidy(() => subject.predict(all ? xs : tf.gather(xs, tf.tensor1d(unknown, 'int32')))));
    const [noisy, unperturbed] = await Promise.all(pending.map((outputs) => outputs.data()));
    return { noisy: noisy, unperturbed, shape: perturbed.shape };
  } finally {
    subject.recentre();
    tf.dispose([xs, ...pending]);
  }
}

/** The accuracy on all examples as the model stands. */
async function accuracyOf(pass: Pass, note: (indices: Int32Array, scores: BatchScores) => void): Promise<number> {
  const { subject, examples, state, clean, batchSize, work, progress, caller } = pass;
  let right = 0;
  for (let start = 0; start < examples.size; start += batchSize) {
    await work.checkpoint(progress);
    const indices = range(start, Math.min(examples.size, start + batchSize));
    const batch = await examples.batch(indices);
    const scores = await scoreBatch(subject, batch, caller).finally(() => batch.xs.dispose());
    clean.classes = scores.classes;
    state.examplesEvaluated += indices.length;
    right += scores.correct.reduce((sum, each) => sum + each, 0);
    note(indices, scores);
  }
  return right / examples.size;
}

function noteClean(
  { clean, caller }: Pass,
  indices: Int32Array,
  { correct, notFinite }: Pick<BatchScores, 'correct' | 'notFinite'>,
): void {
  refuseNotFinite(notFinite, indices.length, caller);
  for (const [i, index] of indices.entries()) clean.set(index, correct[i]);
}
