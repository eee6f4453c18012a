import type { LayerVariable, layers } from '@tensorflow/tfjs-layers';
import { isContainer, leafLayers } from './leaf-layers';

/**
 * A layer and the layers it holds: a cell, stacked cells, both directions, what a wrapper wraps, and of a model that it
 * holds the layers. Found in the fields of the layer, alone or in arrays, in the order in which the fields were set; so
 * two layers of one class and configuration list theirs in the same order.
 */
export function heldLayers(layer: layers.Layer): layers.Layer[] {
  const found = new Set<layers.Layer>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) visit(each);
    if (!isLayer(value) || found.has(value)) return;
    if (isContainer(value)) {
      for (const leaf of leafLayers(value)) visit(leaf.layer);
      return;
    }
    found.add(value);
    for (const [field, held] of Object.entries(value)) {
      // A Bidirectional keeps the layer that it copied, and computes with the copies.
      if (!(field === 'layer' && 'forwardLayer' in value)) visit(held);
    }
  };
  visit(layer);
  return [...found];
}

/** The weights that a layer has made, those trained first; whether they are frozen does not matter. */
export function madeWeights(layer: layers.Layer): LayerVariable[] {
  const { _trainableWeights, _nonTrainableWeights } = layer as unknown as Record<string, LayerVariable[]>;
  return [..._trainableWeights, ..._nonTrainableWeights];
}

function isLayer(value: unknown): value is layers.Layer {
  return Array.isArray((value as { inboundNodes?: unknown } | null)?.inboundNodes);
}
