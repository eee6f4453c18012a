import { leafLayers } from '@qgen/core';
import { type QuantizedWeight, quantizedWeights, quantizeModel } from '@qgen/lsq';
import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** A kernel as it is trained, and its grid where it is quantized. */
export interface Kernel {
  readonly name: string;
  readonly latent: tf.Variable;
  readonly quantized?: QuantizedWeight;
}

/** The kernels of a quantized model. */
export function quantizedKernels(model: LayersModel): Kernel[] {
  const weights = quantizedWeights(model);
  return weights.map((quantized) => ({ name: nameOf(quantized, weights), latent: quantized.latent, quantized }));
}

/** The kernels of a float model, which are those that quantization would find, in the same order. */
export async function floatKernels(model: LayersModel): Promise<Kernel[]> {
  const twin = await quantizeModel(model, { bits: 8, firstLast: 'same' });
  const weights = quantizedWeights(twin);
  const kernels = weights.map((weight) => {
    const { layer } = leafLayers(model).find(({ path }) => path === weight.layer)!;
    const latent = layer.weights.find(({ originalName }) => originalName === weight.name)!.read() as tf.Variable;
    return { name: nameOf(weight, weights), latent };
  });
  twin.dispose();
  return kernels;
}

/** The path of the layer, with the name of the kernel where the layer has several. */
function nameOf({ layer, name }: QuantizedWeight, all: readonly QuantizedWeight[]): string {
  return all.filter((other) => other.layer === layer).length === 1 ? layer : `${layer}/${name.split('/').pop()}`;
}
