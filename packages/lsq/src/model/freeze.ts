import { isContainer, leafLayers, requireBooleans } from '@qgen/core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { FakeQuant } from '../layers/fake-quant-layer';
import { isQuantizedLayer } from '../layers/quantized-layer';
import { governTrainability } from '../layers/trainability';
import { requireModel } from './require-model';

/**
 * Keeps every step and offset of a model, of kernels and of activations, as it is in training, or with `frozen` false
 * lets them learn again. Saved with the model.
 *
 * It holds at once, in `fit` and in `optimizer.minimize` with and without a list. A model that was compiled while they
 * were frozen has to be compiled again before they learn: an optimizer collects its weights when it is compiled.
 *
 * @throws RangeError if the model has none
 * @throws TypeError if `model` is no LayersModel or `frozen` no boolean
 */
export function freezeSteps(model: LayersModel, frozen = true): void {
  requireModel('freezeSteps', model);
  requireBooleans('freezeSteps', { frozen });
  const layers = leafLayers(model).map(({ layer }) => layer);
  const learning = layers.filter((layer) => isQuantizedLayer(layer) || layer instanceof FakeQuant);
  if (learning.length === 0)
    throw new RangeError('freezeSteps: the model has no steps; pass it to quantizeModel first');
  for (const layer of learning)
    if (layer instanceof FakeQuant) layer.stepsFrozen = frozen;
    else if (isQuantizedLayer(layer)) layer.quantization = { ...layer.quantization, stepsFrozen: frozen };
}

/**
 * As `freezeSteps`, for the latent kernels of the quantized layers: training then finds the best steps for the weights
 * as they are. Biases and normalizations go on learning; `layer.trainable` stops those.
 *
 * @throws RangeError if the model has no quantized kernels
 * @throws TypeError if `model` is no LayersModel or `frozen` no boolean
 */
export function freezeKernels(model: LayersModel, frozen = true): void {
  requireModel('freezeKernels', model);
  requireBooleans('freezeKernels', { frozen });
  const quantized = leafLayers(model).flatMap(({ layer }) =>
    isQuantizedLayer(layer) && layer.views.length ? layer : [],
  );
  if (quantized.length === 0)
    throw new RangeError('freezeKernels: the model has no quantized kernels; pass it to quantizeModel first');
  for (const layer of quantized) layer.quantization = { ...layer.quantization, kernelsFrozen: frozen };
}

/**
 * Freezes in a model rebuilt from another's configuration what was frozen there and is no part of a configuration: a
 * model nested in it, and the steps of a layer whose every weight was. A nested model then holds its weights as long as
 * it is not trainable; by itself, `compile` of a Sequential around it would let them go.
 */
export function copyFrozen(from: LayersModel, to: LayersModel): void {
  const visit = (source: Container, target: Container, around: readonly Container[]): void => {
    if (!source.trainable) target.trainable = false;
    const containers = [...around, target];
    const counterparts = new Map(target.layers.map((layer) => [layer.name, layer]));
    for (const layer of source.layers) {
      const counterpart = counterparts.get(layer.name)!;
      if (isContainer(layer) && isContainer(counterpart)) {
        visit(layer, counterpart, containers);
        continue;
      }
      const frozen = layer.weights.length > 0 && !layer.weights.some(({ trainable }) => trainable);
      if (frozen && isQuantizedLayer(counterpart))
        for (const weight of counterpart.stepWeights) weight.trainable = false;
      for (const weight of counterpart.weights)
        governTrainability(weight, () => counterpart.trainable && containers.every(({ trainable }) => trainable));
    }
  };
  visit(from, to, []);
}

type Container = { trainable: boolean; readonly layers: readonly layers.Layer[] };
