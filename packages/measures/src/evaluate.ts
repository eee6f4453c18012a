import { type Batch, type Examples, type RunningWork, range, type Scores, scoreOutputs } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Subject } from './subject';

/** Accuracy and loss of a model over examples. */
export interface Evaluation {
  readonly examples: number;
  /** Share of examples whose first largest output is the label's. */
  readonly accuracy: number;
  /** Mean cross-entropy, natural logarithm, summed in float64. NaN if an output is. */
  readonly loss: number;
  readonly losses: Float64Array;
  readonly correct: Uint8Array;
  /** How many examples have an output that is NaN or infinite; they count as wrong. */
  readonly notFinite: number;
  readonly classes: number;
}

export interface EvaluateOptions {
  /** Examples on the device at once. */
  readonly batchSize?: number;
  readonly work?: RunningWork<unknown>;
}

/** One forward pass over `examples` as the subject stands (perturbed or not). */
export async function evaluate(
  subject: Subject,
  examples: Examples,
  { batchSize = subject.batchSize, work }: EvaluateOptions,
  caller: string,
): Promise<Evaluation> {
  const { size } = examples;
  const losses = new Float64Array(size);
  const correct = new Uint8Array(size);
  let notFinite = 0;
  let classes = 0;
  for (let start = 0; start < size; start += batchSize) {
    await work?.checkpoint();
    const batch = await examples.batch(range(start, Math.min(size, start + batchSize)));
    const scores = await scoreBatch(subject, batch, caller).finally(() => batch.xs.dispose());
    losses.set(scores.losses, start);
    correct.set(scores.correct, start);
    notFinite += scores.notFinite;
    classes = scores.classes;
  }
  return { examples: size, accuracy: mean(correct), loss: mean(losses), losses, correct, notFinite, classes };
}

/** Loss and correctness of every example of a batch; `batch.xs` stays the caller's. */
export async function scoreBatch(
  subject: Subject,
  { xs, labels }: Batch,
  caller: string,
): Promise<Scores & { readonly classes: number }> {
  const outputs = tf.tidy(() => subject.predict(xs));
  const { size, shape } = outputs;
  const values = await outputs.data().finally(() => outputs.dispose());
  const classes = checkClasses({ size, shape, labels }, caller);
  return { ...scoreOutputs(values, labels, { classes, kind: subject.outputKind }), classes };
}

/** The number of classes that outputs of this shape tell apart. */
export function checkClasses(
  {
    size,
    shape,
    labels,
  }: { readonly size: number; readonly shape: readonly number[]; readonly labels: ArrayLike<number> },
  caller: string,
): number {
  const classes = size / labels.length;
  if (!Number.isInteger(classes) || classes < 2)
    throw new TypeError(
      `${caller}: the model must return one number for each of two or more classes, it returns [${shape}] for ${labels.length} examples`,
    );
  for (let i = 0; i < labels.length; i++)
    if (labels[i]! >= classes)
      throw new RangeError(
        `${caller}: labels must be integers from 0 to ${classes - 1} (the model has ${classes} outputs), got ${labels[i]}`,
      );
  return classes;
}

/** Arithmetic mean in float64; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
