import type { LayerVariable, layers } from '@tensorflow/tfjs-layers';

/** A weight of a layer that multiplies its input, and the field of the layer (or of its cell) that holds it. */
export interface Kernel {
  readonly holder: layers.Layer;
  readonly field: string;
  readonly variable: LayerVariable;
}

/** Weights of rank two and more that shift or scale channels, or shape an activation. */
const notKernels = /(^|[/_])(bias|alpha|beta|gamma)(_\d+)?$/;

/**
 * The kernels of a built layer: every trainable float weight of rank 2 or more that is no bias, gamma, beta or alpha, in
 * a field of the layer itself or of the layers it holds (a cell, stacked cells, both directions, what a wrapper wraps).
 * So it needs no list of classes, and finds the kernels of a custom layer too.
 */
export function kernelsOf(layer: layers.Layer): Kernel[] {
  const found: Kernel[] = [];
  const seen = new Set<unknown>();
  const visit = (holder: layers.Layer): void => {
    if (seen.has(holder)) return;
    seen.add(holder);
    const trainable = new Set((holder as unknown as { _trainableWeights: LayerVariable[] })._trainableWeights);
    for (const [field, value] of Object.entries(holder)) {
      if (isVariable(value) && trainable.has(value) && isKernel(value) && !seen.has(value)) {
        seen.add(value);
        found.push({ holder, field, variable: value });
      }
      for (const inner of Array.isArray(value) ? value : [value]) if (isLayer(inner)) visit(inner);
    }
  };
  visit(layer);
  return found;
}

/** Whether a layer is a model, whose layers are then the ones to look at. */
export function isContainer(layer: layers.Layer): layer is layers.Layer & { readonly layers: layers.Layer[] } {
  return Array.isArray((layer as { layers?: unknown }).layers);
}

function isKernel(variable: LayerVariable): boolean {
  return variable.shape.length >= 2 && variable.dtype === 'float32' && !notKernels.test(variable.originalName);
}

function isVariable(value: unknown): value is LayerVariable {
  return typeof (value as LayerVariable | null)?.read === 'function' && 'originalName' in (value as LayerVariable);
}

function isLayer(value: unknown): value is layers.Layer {
  return Array.isArray((value as { inboundNodes?: unknown } | null)?.inboundNodes);
}
