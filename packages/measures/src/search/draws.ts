import { scoreOutputs } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { type Examples, range } from '../data';
import { checkClasses, scoreBatch } from '../evaluate';
import type { Pace } from '../pace';
import { type Noise, perturb } from '../perturb';
import type { Subject } from '../subject';
import { dealer } from './dealer';
import type { SearchProgress } from './result';

/** Random draws of noise at any scale, and the accuracy that each costs. */
export interface Draws {
  /** One new draw of noise at `scale` on the next `count` examples, compared with the clean answers to the same. */
  subset(scale: number, count: number): Promise<number>;
  /** One new draw of noise at `scale` on all examples: their accuracy. */
  full(scale: number): Promise<number>;
  /** Accuracy without noise on all examples. */
  cleanAccuracy(): Promise<number>;
  readonly state: DrawsState;
}

/** What the draws have cost and seen. */
export interface DrawsState {
  draws: number;
  examplesEvaluated: number;
  /** Distinct examples whose clean answer is known, and how many are right. */
  clean: number;
  cleanCorrect: number;
  classes: number;
  /** The scale in hand, for progress. */
  scale: number;
}

export interface DrawsOptions {
  readonly noise: Noise;
  readonly seed: number;
  readonly batchSize: number;
  readonly pace: Pace<SearchProgress>;
  readonly progress: () => SearchProgress;
}

const UNKNOWN = 2;

export function createDraws(
  subject: Subject,
  examples: Examples,
  { noise, seed, batchSize, pace, progress }: DrawsOptions,
  caller: string,
): Draws {
  const state: DrawsState = { draws: 0, examplesEvaluated: 0, clean: 0, cleanCorrect: 0, classes: 0, scale: 0 };
  const answers = new Uint8Array(examples.size).fill(UNKNOWN);
  const order = dealer(examples.size, seed);

  const noteClean = (indices: Int32Array, scores: { correct: Uint8Array; notFinite: number }) => {
    if (scores.notFinite > 0)
      throw new RangeError(
        `${caller}: the unperturbed model returns NaN or infinite outputs for ${scores.notFinite} of ${indices.length} examples`,
      );
    indices.forEach((index, i) => {
      if (answers[index] !== UNKNOWN) return;
      answers[index] = scores.correct[i]!;
      state.clean++;
      state.cleanCorrect += scores.correct[i]!;
    });
  };

  /** One batch: clean answers where they are missing, then noise; the two passes are read back together. */
  const pairedDrops = async (indices: Int32Array, scale: number, draw: number): Promise<number> => {
    const { xs, labels } = await examples.batch(indices);
    const needsClean = indices.some((index) => answers[index] === UNKNOWN);
    const pending: tf.Tensor[] = [];
    try {
      if (needsClean) pending.push(tf.tidy(() => subject.predict(xs)));
      perturb(subject, { ...noise, scale }, { seed, draw });
      pending.push(tf.tidy(() => subject.predict(xs)));
      subject.recentre();
      const { size, shape } = pending[0]!;
      const values = await Promise.all(pending.map((outputs) => outputs.data()));
      state.classes = checkClasses({ size, shape, labels }, caller);
      const score = (outputs: ArrayLike<number>) =>
        scoreOutputs(outputs, labels, { classes: state.classes, kind: subject.outputKind });
      if (needsClean) noteClean(indices, score(values[0]!));
      state.examplesEvaluated += indices.length * pending.length;
      const { correct } = score(values[values.length - 1]!);
      return indices.reduce((sum, index, i) => sum + answers[index]! - correct[i]!, 0);
    } finally {
      subject.recentre();
      tf.dispose([xs, ...pending]);
    }
  };

  return {
    state,
    async subset(scale, count) {
      const indices = order(Math.min(count, examples.size));
      const draw = state.draws++;
      state.scale = scale;
      let drops = 0;
      for (let start = 0; start < indices.length; start += batchSize) {
        await pace.turn(progress);
        drops += await pairedDrops(indices.subarray(start, start + batchSize), scale, draw);
      }
      return drops / indices.length;
    },
    async full(scale) {
      const draw = state.draws++;
      state.scale = scale;
      perturb(subject, { ...noise, scale }, { seed, draw });
      try {
        return await accuracy((_, scores) => scores);
      } finally {
        subject.recentre();
      }
    },
    cleanAccuracy: () =>
      accuracy((indices, scores) => {
        noteClean(indices, scores);
        return scores;
      }),
  };

  async function accuracy(
    note: (indices: Int32Array, scores: Awaited<ReturnType<typeof scoreBatch>>) => { correct: Uint8Array },
  ): Promise<number> {
    let right = 0;
    for (let start = 0; start < examples.size; start += batchSize) {
      await pace.turn(progress);
      const indices = range(start, Math.min(examples.size, start + batchSize));
      const batch = await examples.batch(indices);
      const scores = await scoreBatch(subject, batch, caller).finally(() => batch.xs.dispose());
      state.classes = scores.classes;
      state.examplesEvaluated += indices.length;
      right += note(indices, scores).correct.reduce((sum, each) => sum + each, 0);
    }
    return right / examples.size;
  }
}
