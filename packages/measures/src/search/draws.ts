import { type Examples, type RunningWork, range, scoreOutputs } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Noise, perturb } from '../perturbation/gaussian-noise';
import { checkClasses, scoreBatch } from '../subject/evaluate';
import type { OpenModel } from '../subject/open-model';
import type { CleanAnswers } from './clean-answers';
import { exampleOrder } from './example-order';
import type { SearchProgress } from './result';

/** Random draws of noise at any scale, and the accuracy that each costs. */
export interface Draws {
  /**
   * One new draw of noise at `scale` on `count` examples of its own, compared with the clean answers to the same. Examples
   * are chosen anew for every draw, so that draws are independent and their scatter tells the error of their mean; dealt
   * round after round the mean would be better than that, by how much nobody knows.
   */
  subset(scale: number, count: number): Promise<number>;
  /** One new draw of noise at `scale` on all examples: their accuracy. */
  full(scale: number): Promise<number>;
  /** Accuracy without noise on all examples. */
  cleanAccuracy(): Promise<number>;
  readonly clean: CleanAnswers;
  readonly state: DrawsState;
}

/** What the draws have cost. */
interface DrawsState {
  draws: number;
  examplesEvaluated: number;
  /** The scale in hand, for progress. */
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
export function createDraws(
  subject: OpenModel,
  examples: Examples,
  { noise, seed, batchSize, clean, work, progress }: DrawsOptions,
  caller: string,
): Draws {
  const state: DrawsState = { draws: 0, examplesEvaluated: 0, scale: 0 };

  const noteClean = (indices: Int32Array, { correct, notFinite }: { correct: Uint8Array; notFinite: number }) => {
    refuseNotFinite(notFinite, indices.length, caller);
    indices.forEach((index, i) => {
      clean.set(index, correct[i]!);
    });
  };

  /** One batch: clean answers of the examples whose answers are missing, then noise; the two are read back together. */
  const drops = async (indices: Int32Array, scale: number, draw: number): Promise<number> => {
    const { xs, labels } = await examples.batch(indices);
    const unknown = range(0, indices.length).filter((i) => clean.get(indices[i]!) === undefined);
    const pending: tf.Tensor[] = [];
    try {
      perturb(subject, { ...noise, scale }, { seed, draw });
      pending.push(tf.tidy(() => subject.predict(xs)));
      subject.recentre();
      if (unknown.length > 0)
        pending.push(
          tf.tidy(() =>
            subject.predict(unknown.length < indices.length ? tf.gather(xs, tf.tensor1d(unknown, 'int32')) : xs),
          ),
        );
      const { size, shape } = pending[0]!;
      const [noisy, unperturbed] = await Promise.all(pending.map((outputs) => outputs.data()));
      clean.classes = checkClasses({ size, shape, labels }, caller);
      const scored = { classes: clean.classes, kind: subject.outputKind };
      if (unperturbed) {
        const scores = scoreOutputs(
          unperturbed,
          unknown.map((i) => labels[i]!),
          scored,
        );
        noteClean(
          unknown.map((i) => indices[i]!),
          scores,
        );
      }
      state.examplesEvaluated += indices.length + unknown.length;
      const { correct } = scoreOutputs(noisy!, labels, scored);
      return indices.reduce((sum, index, i) => sum + clean.get(index)! - correct[i]!, 0);
    } finally {
      subject.recentre();
      tf.dispose([xs, ...pending]);
    }
  };

  type Scores = Awaited<ReturnType<typeof scoreBatch>>;
  const accuracy = async (note: (indices: Int32Array, scores: Scores) => void): Promise<number> => {
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
  };

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
        sum += await drops(indices.subarray(start, start + batchSize), scale, draw);
      }
      return sum / indices.length;
    },
    async full(scale) {
      const draw = state.draws++;
      state.scale = scale;
      perturb(subject, { ...noise, scale }, { seed, draw });
      return accuracy(() => {}).finally(() => subject.recentre());
    },
    cleanAccuracy: () => (clean.known === clean.size ? Promise.resolve(clean.right / clean.size) : accuracy(noteClean)),
  };
}

/** @throws RangeError if the unperturbed model gave an output that is NaN or infinite */
export function refuseNotFinite(notFinite: number, of: number, caller: string): void {
  if (notFinite > 0)
    throw new RangeError(
      `${caller}: the unperturbed model returns NaN or infinite outputs for ${notFinite} of ${of} examples; train it again, or look at its inputs`,
    );
}
