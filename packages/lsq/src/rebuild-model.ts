import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable, layers } from '@tensorflow/tfjs-layers';
import { isContainer } from './layers/kernels-of';
import { isQuantizedLayer, registeredClass } from './layers/quantized-layer';

/** The configuration of one layer, as it stands in that of its model. */
export interface LayerEntry {
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>> & { readonly name: string };
}

interface ContainerConfig {
  layers: LayerEntry[];
}

/**
 * A new model with the same graph and fresh weights, each layer made from what `rewrite` gives for its configuration.
 * `path` is the layer's name, after those of the models that it is nested in: `encoder/conv1`.
 */
export function rebuildModel(
  model: LayersModel,
  rewrite: (entry: LayerEntry, path: string) => { className: string; config: object },
): LayersModel {
  const rewriteAll = ({ layers: entries }: ContainerConfig, scope: string): void => {
    for (const entry of entries) {
      const path = scope + entry.config.name;
      if (Array.isArray((entry.config as { layers?: unknown }).layers))
        rewriteAll(entry.config as unknown as ContainerConfig, `${path}/`);
      else Object.assign(entry, rewrite({ className: entry.className, config: entry.config }, path));
    }
  };
  const config = JSON.parse(JSON.stringify(model.getConfig())) as ContainerConfig & tf.serialization.ConfigDict;
  rewriteAll(config, '');
  const [modelClass, fromConfig] = registeredClass(model.getClassName());
  const rebuilt = fromConfig(modelClass, config, {}, true) as LayersModel;
  const metadata = model.getUserDefinedMetadata();
  if (metadata) rebuilt.setUserDefinedMetadata(metadata);
  return rebuilt;
}

/** The layers of a model with their paths, those of nested models in place of these; each once. */
export function leafLayers(model: LayersModel): { readonly layer: layers.Layer; readonly path: string }[] {
  const found = new Map<layers.Layer, string>();
  const visit = (container: { readonly layers: layers.Layer[] }, scope: string): void => {
    for (const layer of container.layers) {
      if (isContainer(layer)) visit(layer, `${scope}${layer.name}/`);
      else if (!found.has(layer)) found.set(layer, scope + layer.name);
    }
  };
  visit(model, '');
  return [...found].map(([layer, path]) => ({ layer, path }));
}

/**
 * Copies the weights of every layer to the layer of the same path, as `read` gives them (a new tensor is disposed).
 * Steps of kernels are left as they are, those of activations copied where both layers have them.
 */
export function copyWeights(
  from: LayersModel,
  to: LayersModel,
  read: (weight: LayerVariable) => tf.Tensor = (weight) => weight.read(),
): void {
  const targets = new Map(leafLayers(to).map(({ layer, path }) => [path, layer]));
  for (const { layer, path } of leafLayers(from)) {
    const source = copiedWeights(layer, targets.get(path)!);
    const target = copiedWeights(targets.get(path)!, layer);
    if (source.length !== target.length)
      throw new Error(
        `quantizeModel: layer ${path} has ${source.length} weights, but made from its configuration ${target.length}; look at its getConfig`,
      );
    source.forEach((weight, index) => {
      const value = read(weight);
      target[index]!.write(value);
      if (value !== weight.read()) value.dispose();
      if (!weight.trainable) target[index]!.trainable = false;
    });
  }
}

/** The weights of a layer's class, without the steps that quantizing added. */
export function ownWeights(layer: layers.Layer): LayerVariable[] {
  return isQuantizedLayer(layer) ? layer.baseWeights : layer.weights;
}

function copiedWeights(layer: layers.Layer, counterpart: layers.Layer): LayerVariable[] {
  const both = isQuantizedLayer(layer) && isQuantizedLayer(counterpart) && counterpart.activation_;
  return [...ownWeights(layer), ...((both && layer.activation_?.weights) || [])];
}
