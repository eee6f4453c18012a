import { filterAxes } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { stepShape } from '../quantizer/fake-quant';
import { ActivationQuantizer } from './activation-quantizer';
import { KernelView } from './kernel-view';
import { type Kernel, kernelsOf } from './kernels-of';
import { LearnedStep } from './learned-step';
import { isQuantizedLayer, type QuantizedLayer } from './quantized-layer';
import type { WeightSettings } from './settings';
import { stepView } from './step-view';
import { type Governed, governTrainability } from './trainability';

/** The quantizers of a built layer, and every weight that it has with them. */
export interface LayerQuantizers {
  readonly views: KernelView[];
  readonly inputQuantizer: ActivationQuantizer | null;
  /** The weights by which steps learn: those of kernels, then those of activations. */
  readonly learnedSteps: LayerVariable[];
  /** The weights that training moves now. */
  trainableWeights(): LayerVariable[];
  /** All weights, those of the base class that it does not train behind what is learned. Freezing leaves this order as it is. */
  readonly weights: readonly LayerVariable[];
}

/**
 * Makes the quantizers that the settings of a built layer ask for, and governs which of its weights are trainable.
 *
 * @param base the weights of the layer's base class
 * @param stopped whether the layer, or a model around it, has been made not trainable
 */
export function layerQuantizers(
  layer: QuantizedLayer,
  base: readonly LayerVariable[],
  stopped: () => boolean,
): LayerQuantizers {
  const { weights, activations } = layer.quantization;
  const views = weights ? kernelsOf(layer).map((kernel) => viewOf(kernel, weights, layer)) : [];
  const inputQuantizer = activations ? new ActivationQuantizer(activations, 'input_', layer.name) : null;
  const learnedSteps = [...views.map(({ learnedStep }) => learnedStep.learned), ...(inputQuantizer?.learned ?? [])];
  const kernels = new Set(views.map(({ latentWeight }) => latentWeight));
  const stepsLearn = () => !stopped() && !layer.quantization.stepsFrozen;
  const governed: readonly Governed[] = [
    ...base.map((weight) =>
      governTrainability(weight, () => !stopped() && !(kernels.has(weight) && layer.quantization.kernelsFrozen)),
    ),
    ...views.map(({ latentWeight, learnedStep }) =>
      governTrainability(learnedStep.learned, () => stepsLearn() && latentWeight.trainable),
    ),
    ...(inputQuantizer?.learned ?? []).map((weight) => governTrainability(weight, stepsLearn)),
  ];
  const trained = base.filter(({ trainable }) => trainable);
  return {
    views,
    inputQuantizer,
    learnedSteps,
    trainableWeights: () => governed.flatMap(({ weight, variable }) => (variable.trainable ? weight : [])),
    weights: [...new Set([...trained, ...learnedSteps, ...base, ...stepWeights(views, inputQuantizer)])],
  };
}

/** The weights that quantizing added, for kernels and then for activations. */
export function stepWeights(views: readonly KernelView[], inputQuantizer: ActivationQuantizer | null): LayerVariable[] {
  return [...views.flatMap(({ learnedStep }) => learnedStep.weights), ...(inputQuantizer?.weights ?? [])];
}

/** A view of a kernel. The step is 1 until quantizeModel or a loader writes it. */
function viewOf({ holder, variable }: Kernel, settings: WeightSettings, layer: QuantizedLayer) {
  const shape = variable.shape as number[];
  const holderClass = isQuantizedLayer(holder) ? layer.baseClassName : holder.getClassName();
  const axis = settings.perChannel ? filterAxes(variable.originalName, holderClass, shape.length)[0] : null;
  const view = stepView(shape, axis, settings.groups ?? null);
  const latentName = variable.originalName;
  const relative = latentName.startsWith(`${layer.name}/`) ? latentName.slice(layer.name.length + 1) : latentName;
  const one = tf.ones(stepShape(view.shape, view.axis));
  const { stepScale, stepLearningRateMultiplier } = settings;
  const step = new LearnedStep(one, stepScale, stepLearningRateMultiplier, (role) => ({
    name: `${relative}_${role}`,
    // A kernel built in an inner name scope is not named relative to the scope that is open now.
    originalName: `${latentName}_${role}`,
  }));
  one.dispose();
  return new KernelView(variable, step, view, settings);
}
