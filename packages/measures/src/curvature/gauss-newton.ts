import type { Batch } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Displacement, displace } from '../perturbation/displacement';
import { parameterGradients } from '../subject/gradient';
import type { OpenModel } from '../subject/open-model';

/** A direction v, the distance h of the two forward passes that tell J v, and the number of examples of the mean. */
export interface GaussNewtonArguments {
  readonly v: Displacement;
  readonly h: number;
  readonly size: number;
  /** The function that was called, for messages. */
  readonly caller: string;
}

/**
 * G v of (sum of the batch's losses) / `size` with the Gauss-Newton matrix `G = Σ J^T H J`, J the Jacobian of the logits
 * and H = diag(p) - p p^T the Hessian of the cross-entropy in them (Schraudolph 2002); of a regression J is the Jacobian of
 * the d outputs and H = 2/d. J v is the central difference of two forward passes at distance h: the function of a piecewise
 * linear net has no jumps, so this converges where differences of its gradient don't. J^T is one backward pass. Of a model
 * that returns probabilities p the logits are ln p, which gives the same G.
 */
export function gaussNewtonProduct(subject: OpenModel, { xs }: Batch, given: GaussNewtonArguments): tf.Tensor[] {
  return tf.tidy(() => {
    const jv = jacobianProduct(subject, xs, given);
    const u = tf.div(throughLoss(subject, xs, jv), given.size);
    return parameterGradients(subject, () => tf.sum(tf.mul(logits(subject, xs), u)), given.caller);
  });
}

/** v^T G v by forward passes alone, a scalar. */
export function gaussNewtonForm(subject: OpenModel, { xs }: Batch, given: GaussNewtonArguments): tf.Scalar {
  return tf.tidy(() => {
    const jv = jacobianProduct(subject, xs, given);
    const u = tf.div(throughLoss(subject, xs, jv), given.size);
    return tf.sum(tf.mul(jv, u));
  });
}

/** J v at the centre, where it leaves the subject. */
function jacobianProduct(subject: OpenModel, xs: tf.Tensor, { v, h }: GaussNewtonArguments): tf.Tensor {
  const logitsAt = (step: number) => {
    displace(subject, [v], [step]);
    return logits(subject, xs);
  };
  const jv = tf.div(tf.sub(logitsAt(h), logitsAt(-h)), 2 * h);
  subject.recentre();
  return jv;
}

function logits(subject: OpenModel, xs: tf.Tensor): tf.Tensor {
  const outputs = subject.predict(xs);
  const rows = tf.reshape(outputs, [xs.shape[0], -1]);
  return subject.outputKind === 'probabilities' ? tf.log(tf.maximum(rows, 1e-30)) : rows;
}

/** H a for every row. */
function throughLoss(subject: OpenModel, xs: tf.Tensor, a: tf.Tensor): tf.Tensor {
  if (subject.outputKind === 'regression') return tf.mul(a, 2 / a.shape[1]!);
  const p = tf.softmax(logits(subject, xs));
  const weighted = tf.mul(p, a);
  return tf.sub(weighted, tf.mul(p, tf.sum(weighted, -1, true)));
}
