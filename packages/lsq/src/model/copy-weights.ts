import { leafLayers, namedWeights, pairWeights } from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable, layers } from '@tensorflow/tfjs-layers';
import { isQuantizedLayer } from '../layers/quantized-layer';

/**
 * Copies the weights of every layer to the layer of the same path, as `read` gives them (a new tensor is disposed).
 * Steps of kernels are left as they are, those of activations copied where both layers have them.
 */
export function copyWeights(
  caller: string,
  from: LayersModel,
  to: LayersModel,
  read: (weight: LayerVariable) => tf.Tensor = (weight) => weight.read(),
): void {
  const targets = new Map(leafLayers(to).map(({ layer, path }) => [path, layer]));
  for (const { layer, path } of leafLayers(from))
    copyLayer(caller, { path, from: layer, to: targets.get(path)!, read });
}

/** As `copyWeights`, for one layer. `added` is the name of a weight that only the second has. */
export function copyLayer(
  caller: string,
  { path, from, to, read, added }: LayerPair & { readonly read: (weight: LayerVariable) => tf.Tensor },
): void {
  const pairs = pairedWeights(caller, { path, from, to, added });
  if (isQuantizedLayer(from) && isQuantizedLayer(to) && from.inputQuantizer && to.inputQuantizer) {
    const targets = to.inputQuantizer.weights;
    pairs.push(...from.inputQuantizer.weights.map((weight, index) => [weight, targets[index]] as const));
  }
  for (const [source, target] of pairs) {
    const value = read(source);
    setExactly(target, value);
    if (value !== source.read()) value.dispose();
    if (!source.trainable) target.trainable = false;
  }
}

/** Sets a weight past its constraint, which `fit` never applies, so that trained weights need not obey it. */
export function setExactly(weight: LayerVariable, value: tf.Tensor): void {
  (weight.read() as tf.Variable).assign(value);
}

interface LayerPair {
  readonly path: string;
  readonly from: layers.Layer;
  readonly to: layers.Layer;
  readonly added?: string | undefined;
}

/** The weights of a layer's class, each with its counterpart in the layer made from it. */
export function pairedWeights(
  caller: string,
  { path, from, to, added }: LayerPair,
): (readonly [from: LayerVariable, to: LayerVariable])[] {
  const targets = namedWeights(to, ownWeights(to)).filter(({ name }) => name !== added);
  return pairWeights(caller, path, namedWeights(from, ownWeights(from)), targets);
}

/** The weights of a layer's class, without the steps that quantizing added. */
function ownWeights(layer: layers.Layer): LayerVariable[] {
  return isQuantizedLayer(layer) ? layer.baseWeights : layer.weights;
}
