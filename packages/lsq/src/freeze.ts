import { leafLayers } from '@qgen/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { FakeQuant } from './layers/fake-quant-layer';
import { isQuantizedLayer } from './layers/quantized-layer';

/**
 * Keeps every step and offset of a model, of kernels and of activations, as it is in training, or with `frozen` false
 * lets them learn again. Saved with the model.
 *
 * Compile the model afterwards: an optimizer collects its weights when it is compiled.
 *
 * @throws RangeError if the model has none
 */
export function freezeSteps(model: LayersModel, frozen = true): void {
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
 */
export function freezeKernels(model: LayersModel, frozen = true): void {
  const quantized = leafLayers(model).flatMap(({ layer }) =>
    isQuantizedLayer(layer) && layer.views.length ? layer : [],
  );
  if (quantized.length === 0)
    throw new RangeError('freezeKernels: the model has no quantized kernels; pass it to quantizeModel first');
  for (const layer of quantized) layer.quantization = { ...layer.quantization, kernelsFrozen: frozen };
}
