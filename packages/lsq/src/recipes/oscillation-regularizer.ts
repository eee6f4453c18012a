import { requireKnownOptions, requireNotNegative, requireOneOf } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { kernelsOfModel } from '../model/quantized-weights';
import { requireModel } from '../model/require-model';
import { binVariance, dampening, type Reduction } from './bin-regularizers';

export interface OscillationRegularizerOptions {
  /** 'bins' is VVTQ's, 'dampening' Nagel's. */
  readonly kind: 'bins' | 'dampening';
  /** The factor of the value in the loss. Default 1. */
  readonly weight?: number;
  /** Of the squared distances (w_c - ŵ)² of a kernel. Default 'mean' for 'bins' and 'sum' for 'dampening', as in their sources. */
  readonly reduction?: Reduction;
}

/** A penalty that is part of a model's training loss. */
export interface OscillationRegularizer {
  /** Read in every step, so that it can be changed while training goes on: by `anneal`, or by hand. */
  weight: number;
  /** The penalty of all kernels as they are, without the weight: a new scalar, with a gradient to kernels and steps. */
  value(): tf.Scalar;
  /** Takes the penalty out of the model's loss. */
  remove(): void;
}

/**
 * Adds a penalty to a model's training loss that draws quantized weights to the middle of their bins, where they change
 * their codes less often. With w_c = clip(w / s, qn, qp) s, summed over the quantized kernels:
 *
 *     'bins'       mean((w_c - ŵ)²) + Σ over bins of Var(w_c)   Huang et al., "Quantization Variation" (VVTQ), 2024
 *     'dampening'  Σ (w_c - ŵ)²                                 Nagel et al., ICML 2022
 *
 * ŵ is held constant; clipped weights get no gradient. 'bins' moves steps too, through the clipped weights of its outermost
 * bins; 'dampening' does not. Both sources raise the weight from 0 along a cosine, to 0.01 and 0.1:
 * `anneal(regularizer, 'weight', annealed({ from: 0, to: 0.01, total: epochs, start: epochs / 4 }), 'epoch')`.
 *
 * It counts in `fit`, `trainOnBatch` and under `sharpnessAware`, once for a layer that is called several times; not in
 * `evaluate` and not in the validation loss, from which tfjs leaves every regularizer out. A loop of your own adds
 * `value()` by itself. It is not saved with the model. With `weight` 0 it costs nothing.
 *
 * @param model the model that is trained: of a `distill`ed student the one that distill returned
 * @throws RangeError if the model has no quantized kernels, kind or reduction is unknown, the weight is negative, or an
 * option is unknown
 * @throws TypeError if `model` is no LayersModel
 */
export function oscillationRegularizer(
  model: LayersModel,
  options: OscillationRegularizerOptions,
): OscillationRegularizer {
  const name = 'oscillationRegularizer';
  requireKnownOptions(name, options, ['kind', 'weight', 'reduction']);
  const { kind, weight = 1 } = options ?? {};
  requireOneOf(name, 'kind', kind, ['bins', 'dampening']);
  const { reduction = kind === 'bins' ? 'mean' : 'sum' } = options;
  requireOneOf(name, 'reduction', reduction, ['mean', 'sum']);
  requireNotNegative(name, { weight });
  requireModel(name, model);
  const kernels = kernelsOfModel(name, model);
  const penalty = kind === 'bins' ? binVariance : dampening;
  const value = () => tf.tidy(() => tf.sum(tf.stack(kernels.map(({ view }) => penalty(view, reduction))))) as tf.Scalar;
  const { layer } = kernels[0];
  const times = timesCounted(model, layer);
  const regularizer = { weight, value, remove: () => removeLoss(layer, loss) };
  const loss = () => {
    const { weight } = regularizer;
    return (weight === 0 ? tf.scalar(0) : tf.tidy(() => tf.mul(value(), weight / times))) as tf.Scalar;
  };
  layer.addLoss(loss);
  return regularizer;
}

/** How often a model counts the losses of a layer: once for every call of the layer in it. */
function timesCounted(model: LayersModel, layer: layers.Layer): number {
  let times = 0;
  const counted = () => {
    times++;
    return tf.scalar(0);
  };
  layer.addLoss(counted);
  tf.dispose(model.calculateLosses());
  removeLoss(layer, counted);
  return times;
}

function removeLoss(layer: layers.Layer, loss: () => tf.Scalar): void {
  const at = layer.losses.indexOf(loss);
  if (at >= 0) layer.losses.splice(at, 1);
}
