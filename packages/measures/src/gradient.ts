import { type Batch, type Examples, perExampleCrossEntropy, range, scoreOutputs } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkClasses, type EvaluateOptions, type Evaluation, mean } from './evaluate';
import type { Subject } from './subject';

/** An evaluation together with the gradient of the mean loss, one tensor for each parameter of the subject. */
export interface LossGradient extends Evaluation {
  readonly gradients: readonly tf.Tensor[];
}

/**
 * Mean cross-entropy over `examples` as the subject stands, and its gradient; accuracy comes free from the same forward
 * pass. Only the parameters in scope are differentiated. The caller disposes `gradients`.
 */
export async function lossGradient(
  subject: Subject,
  examples: Examples,
  { batchSize = 256, work }: EvaluateOptions,
  caller: string,
): Promise<LossGradient> {
  const { size } = examples;
  const losses = new Float64Array(size);
  const correct = new Uint8Array(size);
  let notFinite = 0;
  let classes = 0;
  let gradients: tf.Tensor[] = subject.parameters.map(({ shape }) => tf.zeros([...shape]));
  try {
    for (let start = 0; start < size; start += batchSize) {
      await work?.checkpoint();
      const batch = await examples.batch(range(start, Math.min(size, start + batchSize)));
      try {
        const part = batchGradient(subject, batch, size, caller);
        gradients = replaceAll(gradients, part.gradients, (sum, addend) => tf.add(sum, addend));
        const values = await part.outputs.data().finally(() => part.outputs.dispose());
        classes = part.classes;
        const scores = scoreOutputs(values, batch.labels, { classes, kind: subject.outputKind });
        losses.set(scores.losses, start);
        correct.set(scores.correct, start);
        notFinite += scores.notFinite;
      } finally {
        batch.xs.dispose();
      }
    }
  } catch (error) {
    tf.dispose(gradients);
    throw error;
  }
  return {
    examples: size,
    accuracy: mean(correct),
    loss: mean(losses),
    losses,
    correct,
    notFinite,
    classes,
    gradients,
  };
}

/** The gradient of (sum of the batch's losses) / `size`, with the outputs it was taken at. */
function batchGradient(subject: Subject, { xs, labels }: Batch, size: number, caller: string) {
  const targets = tf.tensor1d(labels, 'int32');
  let outputs: tf.Tensor | undefined;
  try {
    const { grads, value } = tf.variableGrads(
      () => {
        const predicted = subject.predict(xs);
        outputs = tf.keep(tf.clone(predicted));
        checkClasses({ size: predicted.size, shape: predicted.shape, labels }, caller);
        return tf.div(tf.sum(perExampleCrossEntropy(predicted, targets, subject.outputKind)), size) as tf.Scalar;
      },
      subject.parameters.map(({ variable }) => variable),
    );
    value.dispose();
    const gradients = subject.parameters.map(
      ({ variable }) => grads[variable.name] ?? tf.zerosLike(variable as tf.Tensor),
    );
    return { gradients, outputs: outputs!, classes: outputs!.size / labels.length };
  } catch (error) {
    outputs?.dispose();
    throw error;
  } finally {
    targets.dispose();
  }
}

/** `combine` applied pair by pair, in place of the tensors that it was given, which are disposed. */
function replaceAll(
  a: readonly tf.Tensor[],
  b: readonly tf.Tensor[],
  combine: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): tf.Tensor[] {
  return a.map((tensor, i) => {
    const result = combine(tensor, b[i]!);
    tf.dispose([tensor, b[i]!]);
    return result;
  });
}
