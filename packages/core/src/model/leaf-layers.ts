import type { LayersModel, layers } from '@tensorflow/tfjs-layers';

/** Whether a layer is a model, whose layers are then the ones to look at. */
export function isContainer(layer: layers.Layer): layer is LayersModel {
  return Array.isArray((layer as { layers?: unknown }).layers);
}

/**
 * The layers of a model with their paths, those of nested models in place of these. A path is the layer's name after
 * those of the models that it is nested in: `encoder/conv1`. A layer that is reached by several paths is listed once,
 * under the first.
 */
export function leafLayers(model: Pick<LayersModel, 'layers'>): {
  readonly layer: layers.Layer;
  readonly path: string;
}[] {
  const found = new Map<layers.Layer, string>();
  const visit = (container: Pick<LayersModel, 'layers'>, scope: string): void => {
    for (const layer of container.layers) {
      if (isContainer(layer)) visit(layer, `${scope}${layer.name}/`);
      else if (!found.has(layer)) found.set(layer, scope + layer.name);
    }
  };
  visit(model, '');
  return [...found].map(([layer, path]) => ({ layer, path }));
}
