import { type Batch, type Examples, perExampleLoss } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type EvaluateOptions, type Evaluation, scoreAll, scoreValues } from './evaluate';
import type { OpenModel } from './open-model';

/** An evaluation together with the gradient of the mean loss, one tensor for each parameter of the subject. */
export interface LossGradient extends Evaluation {
  readonly gradients: readonly tf.Tensor[];
}

/**
 * Mean loss over `examples` as the subject stands, and its gradient; accuracy comes free from the same forward pass. Only
 * the parameters in scope are differentiated. The caller disposes `gradients`.
 */
export async function lossGradient(
  subject: OpenModel,
  examples: Examples,
  { batchSize = 256, work }: EvaluateOptions,
  caller: string,
): Promise<LossGradient> {
  let gradients: tf.Tensor[] = subject.parameters.map(({ shape }) => tf.zeros([...shape]));
  try {
    const evaluation = await scoreAll(subject, examples, { batchSize, work }, async (batch) => {
      const { outputs, gradients: parts } = batchGradient(subject, batch, examples.size);
      gradients = replaceAll(gradients, parts, (sum, addend) => tf.add(sum, addend));
      const { shape } = outputs;
      const values = await outputs.data<'float32'>().finally(() => outputs.dispose());
      return scoreValues(subject, { values, shape, batch }, caller);
    });
    return { ...evaluation, gradients };
  } catch (error) {
    tf.dispose(gradients);
    throw error;
  }
}

/** The gradient of (sum of the batch's losses) / `size`, with the outputs it was taken at. */
function batchGradient(subject: OpenModel, { xs, labels }: Batch, size: number) {
  const targets = tf.tensor1d(labels);
  let outputs: tf.Tensor | undefined;
  try {
    const { grads, value } = tf.variableGrads(
      () => {
        const predicted = subject.predict(xs);
        outputs = tf.keep(tf.clone(predicted));
        return tf.div(tf.sum(perExampleLoss(predicted, targets, subject.outputKind)), size) as tf.Scalar;
      },
      subject.parameters.map(({ variable }) => variable),
    );
    value.dispose();
    const gradients = subject.parameters.map(
      ({ variable }) => grads[variable.name] ?? tf.zerosLike(variable as tf.Tensor),
    );
    return { gradients, outputs: outputs! };
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
