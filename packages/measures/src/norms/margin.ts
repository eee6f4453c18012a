import { type Examples, range } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkClasses } from '../subject/evaluate';
import type { OpenModel } from '../subject/open-model';

/**
 * The margin of every example, its label's logit minus the largest other one; of probabilities the difference of their
 * logarithms, which is the same number; of a binary logit z, z for label 1 and -z for label 0. NaN where an output is.
 */
export async function margins(
  subject: OpenModel,
  examples: Examples,
  { batchSize, checkpoint }: { readonly batchSize: number; readonly checkpoint: () => Promise<void> },
  caller: string,
): Promise<Float64Array> {
  const found = new Float64Array(examples.size);
  for (let start = 0; start < examples.size; start += batchSize) {
    await checkpoint();
    const { xs, labels } = await examples.batch(range(start, Math.min(examples.size, start + batchSize)));
    const outputs = tf.tidy(() => subject.predict(xs));
    xs.dispose();
    const values = await outputs.data<'float32'>().finally(() => outputs.dispose());
    const classes = checkClasses({ size: outputs.size, shape: outputs.shape, labels }, caller);
    for (const [i, label] of labels.entries()) {
      const row = values.subarray(i * classes, (i + 1) * classes);
      const logits = subject.outputKind === 'logits' ? row : row.map((p) => Math.log(Math.max(p, 1e-30)));
      found[start + i] = logits[label] - Math.max(...logits.filter((_, c) => c !== label));
    }
  }
  return found;
}

/** The k-th smallest margin with k = floor(m / 10), at least 1: a tenth of the examples have no larger one. */
export function tenthPercentile(values: Float64Array): number {
  if (values.some(Number.isNaN)) return Number.NaN;
  return values.toSorted()[Math.max(1, Math.floor(values.length / 10)) - 1];
}
