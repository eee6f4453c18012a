import * as tf from '@tensorflow/tfjs-core';
import { perExampleCrossEntropy } from './cross-entropy';
import { asClasses, classKind, type OutputKind } from './output-kind';

/**
 * The loss of every example, differentiable twice: cross-entropy (`perExampleCrossEntropy`) of classes and of binary
 * outputs, and of a regression the mean squared error 1/d sum_j (y_j - t_j)^2.
 *
 * @param outputs as `kind` has them
 * @param labels `[n]` or `[n, 1]` integers or `[n, classes]` one-hot (or soft) rows; of a regression numbers `[n]` or
 * `[n, d]`
 * @returns `[n]`; NaN where the outputs are NaN
 */
export function perExampleLoss(outputs: tf.Tensor, labels: tf.Tensor, kind: OutputKind): tf.Tensor1D {
  return tf.tidy(() => {
    const rows = asClasses(outputs, kind);
    const of = classKind(kind);
    if (of === 'regression') {
      const targets = tf.cast(tf.reshape(labels, rows.shape), 'float32');
      return tf.mean(tf.squaredDifference(rows, targets), 1) as tf.Tensor1D;
    }
    const classes = labels.rank === 2 && labels.shape[1] === 1 ? tf.reshape(labels, [-1]) : labels;
    return perExampleCrossEntropy(rows, classes, of);
  });
}
