import { type Batch, perExampleCrossEntropy } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Displacement } from '../displace';
import type { Subject } from '../subject';

/**
 * H v of (sum of the batch's losses) / `size`, exactly: the gradient of g(w)^T v. Needs `enableSecondOrder`. At a kink
 * of a piecewise linear net it is the Hessian of the side that the point lies on.
 */
export function exactHessianProduct(
  subject: Subject,
  { xs, labels }: Batch,
  { v, size }: { readonly v: Displacement; readonly size: number },
): tf.Tensor[] {
  return tf.tidy(() => {
    const targets = tf.tensor1d(labels, 'int32');
    const variables = subject.parameters.map(({ variable }) => variable);
    const loss = () =>
      tf.div(tf.sum(perExampleCrossEntropy(subject.predict(xs), targets, subject.outputKind)), size) as tf.Scalar;
    const slope = () => {
      const { grads } = tf.variableGrads(loss, variables);
      const terms = variables.flatMap(({ name }, i) => (grads[name] ? [tf.sum(tf.mul(grads[name], v[i]!))] : []));
      return tf.addN(terms) as tf.Scalar;
    };
    const { grads } = tf.variableGrads(slope, variables);
    return variables.map((variable) => grads[variable.name] ?? tf.zerosLike(variable as tf.Tensor));
  });
}
