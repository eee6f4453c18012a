import { leafLayers } from '@qgen/core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import type { KernelGroups } from '../layers/step-view';
import type { LayerInfo } from '../model/quantize-options';

/**
 * The groups of the kernels around every attention of a model, for the `groups` of `quantizeModel`: queries, keys and
 * values have their heads along the outputs (axis 1), the projection after them along its inputs (axis 0); other layers
 * have none.
 *
 * Heads are read off the layers of `@qgen/models`, whose classes are called SplitHeads and AttentionMix, as in `deit` and
 * `swin`, where the number of heads differs from stage to stage. Other models have none that are found.
 */
export function attentionHeads(model: LayersModel): (layer: LayerInfo) => KernelGroups | null {
  const found = new Map<layers.Layer, KernelGroups>();
  for (const { layer } of leafLayers(model)) {
    const [node] = layer.inboundNodes as unknown as Node[];
    const className = layer.getClassName();
    if (className === 'SplitHeads') found.set(node.inboundLayers[0], { count: headsOf(layer), axis: 1 });
    if (className !== 'AttentionMix') continue;
    const heads = headsOf(node.inboundLayers[1]);
    for (const { outboundLayer } of layer.outboundNodes as unknown as Node[])
      found.set(outboundLayer, { count: heads, axis: 0 });
  }
  const byPath = new Map(leafLayers(model).map(({ layer, path }) => [path, found.get(layer) ?? null]));
  return ({ path }) => byPath.get(path) ?? null;
}

interface Node {
  readonly inboundLayers: readonly layers.Layer[];
  readonly outboundLayer: layers.Layer;
}

/** The heads are axis -3 of the layer's output. */
function headsOf(layer: layers.Layer): number {
  return (layer.outputShape as number[]).at(-3)!;
}
