import { type Data, type Examples, openData, outputWidth, range, requireKind } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkLabels } from './evaluate';
import type { OpenModel } from './open-model';
import { requireFiniteWeights } from './require-finite-weights';

/** How many examples tell whether model and data fit. */
const PROBE = 32;

/**
 * Opens the data that a model is measured on, and looks whether the two fit before anything is perturbed: whether the
 * weights are finite, and whether the outputs for the first few examples have the shape and the values of the output that
 * is said.
 *
 * @throws RangeError if a weight is NaN or infinite, if outputs are at odds with `subject.output` (`requireKind`), or the
 * labels with the outputs; TypeError for outputs that are not one row for each example; the errors of `openData`
 */
export async function openExamples(subject: OpenModel, data: Data, caller: string): Promise<Examples> {
  await requireFiniteWeights(subject, caller);
  const examples = await openData(data, caller, subject.expects);
  const batch = await examples.batch(range(0, Math.min(PROBE, examples.size)));
  const { output } = subject;
  const count = batch.xs.shape[0];
  let outputs: tf.Tensor;
  try {
    outputs = tf.tidy(() => subject.rawOutputs(batch.xs));
  } finally {
    batch.xs.dispose();
  }
  const { shape } = outputs;
  const values = await outputs.data<'float32'>().finally(() => outputs.dispose());
  const width = outputWidth(shape, count, output, caller);
  if (!(output === 'logits' && subject.outputIsSaid)) requireKind(values, { width, kind: output, caller });
  const classes = output.startsWith('binary') ? 2 : width;
  checkLabels(batch, { examples: count, width: classes, kind: subject.outputKind }, caller);
  return examples;
}
