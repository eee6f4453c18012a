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
      const { outputs, gradients: parts } = batchGradient(subject, batch, examples.size, caller);
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
function batchGradient(subject: OpenModel, { xs, labels }: Batch, size: number, caller: string) {
  const targets = tf.tensor1d(labels);
  let outputs: tf.Tensor | undefined;
  const loss = () => {
    const predicted = subject.predict(xs);
    outputs = tf.keep(tf.clone(predicted));
    return tf.div(tf.sum(perExampleLoss(predicted, targets, subject.outputKind)), size) as tf.Scalar;
  };
  try {
    return { gradients: parameterGradients(subject, loss, caller), outputs: outputs! };
  } catch (error) {
    outputs?.dispose();
    throw error;
  } finally {
    targets.dispose();
  }
}

/**
 * The gradient of `f` with respect to every parameter of the subject, zeros for one that f does not depend on.
 *
 * @throws TypeError if it depends on none
 */
export function parameterGradients(subject: OpenModel, f: () => tf.Scalar, caller: string): tf.Tensor[] {
  const gradients = foundGradients(subject, f);
  requireGradients(gradients, caller);
  return withZeros(subject, gradients);
}

/** The gradient of `f` with respect to every parameter, undefined for one that f does not depend on. */
export function foundGradients(subject: OpenModel, f: () => tf.Scalar): (tf.Tensor | undefined)[] {
  const variables = subject.parameters.map(({ variable }) => variable);
  const { value, grads } = tf.engine().gradients<tf.Tensor>(f, variables, undefined, true);
  value.dispose();
  return grads;
}

/** @throws TypeError if no parameter has a gradient */
export function requireGradients(gradients: readonly (tf.Tensor | undefined)[], caller: string): void {
  if (!gradients.some(Boolean))
    throw new TypeError(
      `${caller}: no gradient reaches the variables of the model; forward must compute its outputs from the variables themselves, with operations of TensorFlow.js`,
    );
}

/** Gradients with zeros for the parameters that have none. */
export function withZeros(subject: OpenModel, gradients: readonly (tf.Tensor | undefined)[]): tf.Tensor[] {
  return subject.parameters.map(({ variable }, i) => gradients[i] ?? tf.zerosLike<tf.Tensor>(variable));
}

/** `combine` applied pair by pair, in place of the tensors that it was given, which are disposed. */
function replaceAll(
  a: readonly tf.Tensor[],
  b: readonly tf.Tensor[],
  combine: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): tf.Tensor[] {
  return a.map((tensor, i) => {
    const result = combine(tensor, b[i]);
    tf.dispose([tensor, b[i]]);
    return result;
  });
}
