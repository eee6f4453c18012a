import * as tf from '@tensorflow/tfjs-core';
import type { KernelView } from '../layers/kernel-view';
import { codeRange } from '../quantizer/grid';
import { scaledStep } from '../quantizer/scaled-step';

/** How the squared distances of the weights of a kernel are put together. */
export type Reduction = 'mean' | 'sum';

/** A kernel as the regularizers see it; all in the shape of its step view. */
interface Bins {
  /** w_c - ŵ with w_c = clip(z, qn, qp) s: 0 where the weight is clipped or frozen. */
  readonly residual: tf.Tensor;
  /** q, float32. */
  readonly codes: tf.Tensor;
  /** Where w_c follows w and not s. */
  readonly inside: tf.Tensor;
}

/**
 * The regularizer of VVTQ (Huang et al., "Quantization Variation", 2024) for one kernel, with w_c = clip(z, qn, qp) s and
 * ŵ held constant:
 *
 *     mean((w_c - ŵ)²) + Σ over bins k with n_k > 1 of Var(w_c)      the unbiased variance of the weights whose code is k
 *     dw = 2 ((w_c - ŵ) / N + (w_c - m_k) / (n_k - 1)) where qn < z < qp, else 0
 *     ds = g Σ over clipped weights of 2 q (w_c - m_k) / (n_k - 1)
 *
 * A bin is a code of one step: kernels with several steps have a set of bins for each. ds draws the step to where the
 * edge of the grid meets the mean of its outermost bin.
 */
export function binVariance(view: KernelView, reduction: Reduction): tf.Tensor {
  return onKernel(view, (view, latent, s) => {
    const { residual, codes, inside } = binsOf(view, latent, s);
    const { qn, qp } = codeRange(view.options);
    const levels = qp - qn + 1;
    const groups = tf.mul(tf.reshape(tf.range(0, s.size, 1, 'int32'), s.shape), tf.scalar(levels, 'int32'));
    const bins = tf.reshape(tf.add(tf.cast(tf.sub(codes, qn), 'int32'), groups), [-1]) as tf.Tensor1D;
    const flat = tf.reshape(residual, [-1]) as tf.Tensor1D;
    const count = (weights: tf.Tensor1D) => tf.bincount(bins, weights, s.size * levels);
    const sizes = count(tf.onesLike(flat));
    // Around ŵ, so that nothing is lost to the size of the weights: the members of a bin share one ŵ.
    const means = tf.div(count(flat), tf.maximum(sizes, 1));
    const others = tf.gather(tf.div(tf.cast(tf.greater(sizes, 1), 'float32'), tf.maximum(tf.sub(sizes, 1), 1)), bins);
    const deviation = tf.sub(flat, tf.gather(means, bins));
    const share = reduction === 'mean' ? 1 / flat.size : 1;
    const pull = tf.reshape(tf.mul(deviation, others), residual.shape);
    return {
      value: tf.add(tf.mul(tf.sum(tf.square(flat)), share), tf.sum(tf.mul(tf.square(deviation), others))),
      dw: tf.mul(tf.mul(inside, tf.add(tf.mul(residual, share), pull)), 2),
      ds: tf.mul(tf.mul(tf.sub(1, inside), tf.mul(codes, pull)), 2),
    };
  });
}

/**
 * The dampening loss of Nagel et al. ("Overcoming Oscillations in Quantization-Aware Training", ICML 2022)
 * for one kernel: the sum or mean of (w_c - ŵ)² with ŵ held constant. It has no gradient to the step.
 */
export function dampening(view: KernelView, reduction: Reduction): tf.Tensor {
  return onKernel(view, (view, latent, s) => {
    const { residual, inside } = binsOf(view, latent, s);
    const share = reduction === 'mean' ? 1 / residual.size : 1;
    return {
      value: tf.mul(tf.sum(tf.square(residual)), share),
      dw: tf.mul(tf.mul(residual, inside), 2 * share),
      ds: tf.zerosLike(residual),
    };
  });
}

type Regularizer = (view: KernelView, latent: tf.Tensor, s: tf.Tensor) => Record<'value' | 'dw' | 'ds', tf.Tensor>;

/** The value with its closed gradient: dw in the shape of the view, ds for every element, to be summed over those of a step. */
function onKernel(view: KernelView, regularizer: Regularizer): tf.Tensor {
  return tf.tidy(() => {
    const { axis = null } = view.options;
    const latent = view.viewed();
    const others = latent.shape.map((_, dimension) => dimension).filter((dimension) => dimension !== axis);
    return tf.customGrad((...inputs: unknown[]) => {
      const [latent, s, save] = inputs as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
      const { value, dw, ds } = regularizer(view, latent, s);
      save([dw, tf.reshape(tf.sum(ds, others), s.shape)]);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(gradient, dy));
      return { value: tf.reshape(value, []), gradFunc };
    })(latent, scaledStep(view.learnedStep.read(), latent, view.options));
  });
}

function binsOf(view: KernelView, latent: tf.Tensor, s: tf.Tensor): Bins {
  const { qn, qp } = codeRange(view.options);
  const codes = tf.cast(view.viewedCodes(), 'float32');
  const z = tf.div(latent, s);
  const within = tf.logicalAnd(tf.greater(z, qn), tf.less(z, qp));
  const free = view.frozen ? tf.logicalAnd(within, tf.logicalNot(view.frozen.mask)) : within;
  return {
    residual: tf.where(free, tf.sub(latent, tf.mul(codes, s)), tf.zerosLike(latent)),
    codes,
    inside: tf.cast(free, 'float32'),
  };
}
