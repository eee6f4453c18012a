import { type Batch, perExampleLoss } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Displacement } from '../perturbation/displacement';
import { foundGradients, requireGradients, withZeros } from '../subject/gradient';
import type { OpenModel } from '../subject/open-model';
import { replaceGradients } from './second-order';

interface Given {
  readonly v: Displacement;
  /** The number of examples of the mean. */
  readonly size: number;
  /** The function that was called, for messages. */
  readonly caller: string;
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

function gradientOfSlope(subject: OpenModel, { xs, labels }: Batch, { v, size, caller }: Given): tf.Tensor[] {
  const targets = tf.tensor1d(labels);
  const loss = () =>
    tf.div(tf.sum(perExampleLoss(subject.predict(xs), targets, subject.outputKind)), size) as tf.Scalar;
  let gradients: (tf.Tensor | undefined)[] = [];
  const slope = () => {
    gradients = foundGradients(subject, loss);
    const terms = gradients.flatMap((gradient, i) => (gradient ? tf.sum<tf.Scalar>(tf.mul(gradient, v[i])) : []));
    // tf.addN of more than seven tensors gives something else on webgpu, and says nothing.
    return terms.reduce((sum, term) => tf.add(sum, term), tf.scalar(0));
  };
  const products = foundGradients(subject, slope);
  // Not within the slope: tfjs would not free what it has kept for the outer gradient.
  requireGradients(gradients, caller);
  return withZeros(subject, products);
}
