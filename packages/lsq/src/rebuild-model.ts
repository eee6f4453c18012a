import type { serialization } from '@tensorflow/tfjs-core';
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
  const config = JSON.parse(JSON.stringify(model.getConfig())) as ContainerConfig & serialization.ConfigDict;
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

/** Copies the weights of every layer to the layer of the same path; steps are left as they are. */
export function copyWeights(from: LayersModel, to: LayersModel): void {
  const targets = new Map(leafLayers(to).map(({ layer, path }) => [path, layer]));
  for (const { layer, path } of leafLayers(from)) {
    const source = ownWeights(layer);
    const target = ownWeights(targets.get(path)!);
    if (source.length !== target.length)
      throw new Error(
        `quantizeModel: layer ${path} came back from its configuration with ${target.length} weights instead of ${source.length}; see its getConfig`,
      );
    source.forEach((weight, index) => {
      target[index]!.write(weight.read());
      if (!weight.trainable) target[index]!.trainable = false;
    });
  }
}

function ownWeights(layer: layers.Layer): LayerVariable[] {
  return isQuantizedLayer(layer) ? layer.baseWeights : layer.weights;
}
