import { leafLayers, requireLongWork, startWork } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { KernelView } from '../layers/kernel-view';
import { isQuantizedLayer } from '../layers/quantized-layer';
import { quantizedConfig } from '../layers/quantized-layer-class';
import { codeRange } from '../quantizer/grid';
import { requireFinite } from '../quantizer/require-finite';
import { glorotStep, initialStepInTurns, STEP_RANGE, type StepInit } from '../quantizer/step-size';
import { copyWeights } from './copy-weights';
import { disposeModel } from './dispose-model';
import { copyFrozen } from './freeze';
import { quantizationPlan } from './quantization-plan';
import type { QuantizeOptions } from './quantize-options';
import { rebuildModel } from './rebuild-model';
import { requireModel } from './require-model';

/**
 * A new model whose kernels are fake-quantized with a learned step in every forward pass, ready to be compiled and
 * trained (Esser et al., "Learned Step Size Quantization", ICLR 2020). `model` is left as it is and its weights are
 * copied: train the float model first, as the LSQ paper does, or start from scratch.
 *
 * It works on LayersModels, sequential or functional, with nested models, shared, recurrent, wrapped and custom
 * layers, and on the kernels of every layer class: each layer keeps its class, so that its state, masks and calls are
 * what they were. What was frozen stays so. Biases and normalizations stay in float. A layer or nested model that is
 * reached by several paths stays one. The result saves and loads with the stock `model.save` and `tf.loadLayersModel` once
 * this package is imported, as far as the stock ones can do that for `model`: they refuse a layer reached by several
 * paths, and two weights of one name.
 *
 * Kernels are the trainable float weights of rank 2 and more whose name does not end in bias, alpha, beta or gamma. A
 * layer class says otherwise with `static kernelNames = ['kernel']`, the names that it gives to `addWeight`. While a layer
 * is called its kernels read as quantized, however it gets at them.
 *
 * By default the weights alone are quantized (as in QGen), per tensor, and the first and the last layer get 8 bits as
 * in the LSQ paper; QGen quantizes every layer alike, which is `firstLast: 'same'`. A kernel or filter of zeros starts
 * from the step that 'lsq' gives weights of Glorot's distribution.
 *
 * The LSQ paper's own training is `{ stepScale: 'absolute', init: 'lsq' }`.
 *
 * @throws RangeError if bits are not integers from 2 to 16, an option is unknown, a name in a map fits no layer, a kernel
 * holds NaN or an infinity (naming it), the model is quantized already, or nothing is left to quantize; or, naming the
 * layers, if two share a weight (one is tied to the other, or wraps it), if a layer has several inputs and `activations`
 * are to be quantized, or if its weights cannot be paired with those of the layer made from its configuration
 * @throws TypeError if `model` is no LayersModel, an option has the wrong type, or a class in it is not registered
 * @throws the signal's reason when aborted
 */
export async function quantizeModel<Model extends LayersModel>(model: Model, options: QuantizeOptions): Promise<Model> {
  const name = 'quantizeModel';
  requireModel(name, model);
  const quantized = leafLayers(model).find(({ layer }) => isQuantizedLayer(layer));
  if (quantized)
    throw new RangeError(
      `${name}: layer ${quantized.path} is quantized already; for other bits start from dequantizeModel(model, { weights: 'latent' })`,
    );
  const plan = quantizationPlan(name, model, options);
  requireLongWork(name, options);
  if (plan.length === 0)
    throw new RangeError(`${name}: nothing to quantize, no layer with kernels is left; look at bits and firstLast`);
  const work = startWork(options);
  const planned = new Map(plan.map((entry) => [entry.path, entry]));
  const result = rebuildModel(name, model, (entry, path) => {
    const quantization = planned.get(path)?.quantization;
    return quantization ? quantizedConfig(entry.className, entry.config, quantization) : entry;
  }) as Model;
  try {
    copyWeights(name, model, result);
    copyFrozen(model, result);
    const kernels = leafLayers(result).flatMap(({ layer, path }) =>
      isQuantizedLayer(layer) ? layer.views.map((view) => ({ view, path, init: planned.get(path)!.init })) : [],
    );
    for (const [done, { view, path, init }] of kernels.entries()) {
      const checkpoint = () => work.checkpoint(() => ({ done, total: kernels.length }));
      await checkpoint();
      const problem = `${view.originalName} of layer ${path} holds NaN or infinite values; train it again`;
      await requireFinite(name, view.latent, problem);
      await startStep(name, view, init, checkpoint);
    }
    work.report({ done: kernels.length, total: kernels.length });
    return result;
  } catch (error) {
    disposeModel(result);
    throw error;
  }
}

async function startStep(
  name: string,
  view: KernelView,
  init: StepInit,
  checkpoint: () => Promise<void>,
): Promise<void> {
  const { learnedStep, shape, options } = view;
  const { bits, signed, narrow, axis } = options;
  const latent = view.viewed();
  let step: tf.Tensor;
  try {
    step = await initialStepInTurns(name, latent, { bits, signed, narrow, axis, init }, checkpoint);
  } finally {
    latent.dispose();
  }
  tf.tidy(() => {
    const zero = tf.lessEqual(step, STEP_RANGE.smallest);
    const typical = tf.fill(step.shape, glorotStep(shape, codeRange(options).qp));
    learnedStep.set(typeof init === 'number' ? step : tf.where(zero, typical, step));
  });
  step.dispose();
}
