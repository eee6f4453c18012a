import { type Batch, perExampleLoss } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Displacement } from '../perturbation/displacement';
import type { OpenModel } from '../subject/open-model';
import { replaceGradients } from './second-order';

interface Given {
  readonly v: Displacement;
  /** The number of examples of the mean. */
  readonly size: number;
}

/**
 * H v of (sum of the batch's losses) / `size`, exactly: the gradient of g(w)^T v. At a kink of a piecewise linear net it
 * is the Hessian of the side that the point lies on. Second derivatives are enabled for this one synchronous piece of
 * work, so that no other gradients change.
 */
export function exactHessianProduct(subject: OpenModel, batch: Batch, given: Given): tf.Tensor[] {
  const undo = replaceGradients();
  try {
    return tf.tidy(() => gradientOfSlope(subject, batch, given));
  } finally {
    undo();
  }
}

function gradientOfSlope(subject: OpenModel, { xs, labels }: Batch, { v, size }: Given): tf.Tensor[] {
  const targets = tf.tensor1d(labels);
  const variables = subject.parameters.map(({ variable }) => variable);
  const loss = () =>
    tf.div(tf.sum(perExampleLoss(subject.predict(xs), targets, subject.outputKind)), size) as tf.Scalar;
  const slope = () => {
    const { grads } = tf.variableGrads(loss, variables);
    const terms = variables.flatMap(({ name }, i) => (grads[name] ? [tf.sum(tf.mul(grads[name], v[i]!))] : []));
    // tf.addN of more than seven tensors gives something else on webgpu, and says nothing.
    return terms.reduce((sum, term) => tf.add(sum, term)) as tf.Scalar;
  };
  const { grads } = tf.variableGrads(slope, variables);
  return variables.map((variable) => grads[variable.name] ?? tf.zerosLike(variable as tf.Tensor));
}
