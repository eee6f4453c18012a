import * as tf from '@tensorflow/tfjs-core';
import type { FakeQuantOptions } from './fake-quant';
import { gradientFactor, l1Scale } from './gradient-scale';
import { codeRange } from './grid';
import { STEP_RANGE } from './step-size';

/**
 * s = max(|step|, 1e-8) for computations beside `fakeQuant`: its gradient is multiplied as that of `fakeQuant(x, step)` is,
 * by the gradient scale g and the learning rate multiplier.
 */
export function scaledStep(step: tf.Tensor, x: tf.Tensor, options: FakeQuantOptions): tf.Tensor {
  const { axis = null, gradientScale = 'lsq', stepLearningRateMultiplier = 1 } = options;
  const { qp } = codeRange(options);
  const scaled = tf.customGrad((...inputs: unknown[]) => {
    const [step, x, save] = inputs as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([x]);
    return {
      value: tf.clone(step),
      gradFunc: (ds: tf.Tensor, saved: tf.Tensor[]) => {
        const [x] = saved as [tf.Tensor];
        const factor = gradientFactor(gradientScale, x.shape, axis, qp) * stepLearningRateMultiplier;
        const dStep = tf.mul(ds, factor);
        return [gradientScale === 'l1' ? tf.mul(dStep, l1Scale(x, step.shape, axis, qp)) : dStep, tf.zerosLike(x)];
      },
    };
  })(step, x);
  return tf.maximum(tf.abs(scaled), STEP_RANGE.smallest);
}
