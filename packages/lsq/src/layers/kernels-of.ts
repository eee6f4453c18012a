import { heldLayers } from '@qgen/core';
import type { LayerVariable, layers } from '@tensorflow/tfjs-layers';

/** A weight of a layer that multiplies its input, and the layer that made it: the layer itself or one that it holds. */
export interface Kernel {
  readonly holder: layers.Layer;
  readonly variable: LayerVariable;
}

/** Weights of rank two and more that shift or scale channels, or shape an activation. */
const notKernels = /(^|[/_])(bias|alpha|beta|gamma)(_\d+)?$/;

/**
 * The kernels of a built layer, among the weights of the layer itself and of those it holds (a cell, stacked cells, both
 * directions, what a wrapper wraps). What a layer holds and does not list among its weights is another layer's.
 *
 * A class may name its kernels: `static kernelNames = ['kernel']`, as given to `addWeight`. Else a kernel is every
 * trainable float weight of rank 2 or more that is no bias, gamma, beta or alpha; so it needs no list of classes.
 *
 * @throws RangeError if a class names a kernel that its layer has not
 */
export function kernelsOf(layer: layers.Layer): Kernel[] {
  const own = new Set(layer.weights);
  return heldLayers(layer).flatMap((holder) => {
    const trained = (holder as unknown as { readonly _trainableWeights: LayerVariable[] })._trainableWeights;
    const { kernelNames } = holder.constructor as { readonly kernelNames?: readonly string[] };
    const missing = kernelNames?.find((name) => !trained.some((weight) => lastPart(weight) === name));
    if (missing !== undefined && trained.length > 0)
      throw new RangeError(
        `quantizeModel: kernelNames of the class of layer ${layer.name} has '${missing}', but the layer trains ${trained.map(lastPart).join(', ')}`,
      );
    return trained
      .filter((weight) => own.has(weight) && (kernelNames?.includes(lastPart(weight)) ?? isKernel(weight)))
      .map((variable) => ({ holder, variable }));
  });
}

function isKernel(variable: LayerVariable): boolean {
  return variable.shape.length >= 2 && variable.dtype === 'float32' && !notKernels.test(variable.originalName);
}

const lastPart = (weight: LayerVariable): string => weight.originalName.split('/').at(-1)!;
