import { leafLayers } from '@qgen/core';
import type { LayersModel, LayerVariable, layers } from '@tensorflow/tfjs-layers';

/** Frees the weights of a model. Its own `dispose` leaves those of layers that are called twice. */
export function disposeModel(model: LayersModel): void {
  for (const { layer } of leafLayers(model)) disposeLayer(layer);
}

/** Frees the weights of a layer, but for those to keep. */
export function disposeLayer(layer: layers.Layer, kept: ReadonlySet<LayerVariable> = new Set()): void {
  if (layer.weights.some((weight) => kept.has(weight)))
    for (const weight of layer.weights) kept.has(weight) || weight.dispose();
  else (layer as unknown as { disposeWeights(): number }).disposeWeights();
}
