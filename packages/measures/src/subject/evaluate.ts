import {
  type Batch,
  type Examples,
  mean,
  outputWidth,
  type RunningWork,
  range,
  requireClasses,
  type Scores,
  scoreOutputs,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { OpenModel } from './open-model';

/** Accuracy and loss of a model over examples. */
export interface Evaluation {
  readonly examples: number;
  /** Share of examples whose first largest output is the label's. NaN for a regression, which has no accuracy. */
  readonly accuracy: number;
  /** Mean loss (`OutputKind`), summed in float64. NaN if an output is. */
  readonly loss: number;
  readonly losses: Float64Array;
  /** Empty for a regression. */
  readonly correct: Uint8Array;
  /** How many examples have an output that is NaN or infinite; they count as wrong. */
  readonly notFinite: number;
  /** Of a regression how many numbers it returns. */
  readonly classes: number;
}

export interface EvaluateOptions {
  /** Examples on the device at once. */
  readonly batchSize?: number;
  readonly work?: RunningWork<unknown>;
}

type BatchScores = Scores & { readonly classes: number };

/** One forward pass over `examples` as the subject stands (perturbed or not). */
export async function evaluate(
  subject: OpenModel,
  examples: Examples,
  { batchSize = subject.batchSize, work }: EvaluateOptions,
  caller: string,
): Promise<Evaluation> {
  return scoreAll(subject, examples, { batchSize, work }, (batch) => scoreBatch(subject, batch, caller));
}

/** The scores of all examples, a batch at a time; disposes the batches. */
export async function scoreAll(
  subject: OpenModel,
  { size, batch: take }: Examples,
  { batchSize, work }: EvaluateOptions & { readonly batchSize: number },
  score: (batch: Batch) => Promise<BatchScores>,
): Promise<Evaluation> {
  const losses = new Float64Array(size);
  const correct = new Uint8Array(subject.outputKind === 'regression' ? 0 : size);
  let notFinite = 0;
  let classes = 0;
  for (let start = 0; start < size; start += batchSize) {
    await work?.checkpoint();
    const batch = await take(range(start, Math.min(size, start + batchSize)));
    const scores = await score(batch).finally(() => batch.xs.dispose());
    losses.set(scores.losses, start);
    if (correct.length > 0) correct.set(scores.correct, start);
    notFinite += scores.notFinite;
    classes = scores.classes;
  }
  return { examples: size, accuracy: mean(correct), loss: mean(losses), losses, correct, notFinite, classes };
}

/** Loss and correctness of every example of a batch; `batch.xs` stays the caller's. */
export async function scoreBatch(subject: OpenModel, batch: Batch, caller: string): Promise<BatchScores> {
  const outputs = tf.tidy(() => subject.predict(batch.xs));
  const { shape } = outputs;
  const values = await outputs.data<'float32'>().finally(() => outputs.dispose());
  return scoreValues(subject, { values, shape, batch }, caller);
}

/** The scores of outputs that were read back. */
export function scoreValues(
  { outputKind: kind }: OpenModel,
  { values, shape, batch }: { readonly values: Float32Array; readonly shape: readonly number[]; readonly batch: Batch },
  caller: string,
): BatchScores {
  const examples = batch.xs.shape[0];
  const width = outputWidth(shape, examples, kind, caller);
  checkLabels(batch, { examples, width, kind }, caller);
  return { ...scoreOutputs(values, batch.labels, { classes: width, kind }), classes: width };
}

/**
 * @throws RangeError if a label is no class of a model with `width` outputs, if one-hot rows have not as many entries, or
 * a regression has not as many targets as outputs
 */
export function checkLabels(
  { labels, labelClasses }: Omit<Batch, 'xs'>,
  {
    examples,
    width,
    kind,
  }: { readonly examples: number; readonly width: number; readonly kind: OpenModel['outputKind'] },
  caller: string,
): void {
  if (kind === 'regression') {
    const targets = labels.length / examples;
    if (targets === width) return;
    throw new RangeError(
      `${caller}: targets must be ${width} ${width === 1 ? 'number' : 'numbers'} for each example, as many as the model returns, got ${targets}; give ys as rows [n, ${width}]`,
    );
  }
  if (labelClasses !== undefined) requireClasses(labelClasses, width, caller);
  for (let i = 0; i < labels.length; i++)
    if (labels[i] >= width)
      throw new RangeError(
        `${caller}: labels must be integers from 0 to ${width - 1} (the model has ${width} classes), got ${labels[i]}`,
      );
}

/** The number of classes that outputs of this shape tell apart, and that the labels are of. */
export function checkClasses(
  { shape, labels }: { readonly size: number; readonly shape: readonly number[]; readonly labels: Batch['labels'] },
  caller: string,
): number {
  const examples = labels.length;
  const width = outputWidth(shape, examples, 'logits', caller);
  checkLabels({ labels }, { examples, width, kind: 'logits' }, caller);
  return width;
}
