import { leafLayers } from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { KernelView } from '../layers/kernel-view';
import { isQuantizedLayer, type QuantizedLayer } from '../layers/quantized-layer';
import { codeRange } from '../quantizer/grid';
import { requireModel } from './require-model';

/** A kernel of a quantized model with its grid. Its methods give new tensors, which the caller disposes. */
export interface QuantizedWeight {
  /** The path of the layer: its name, after those of the models it is nested in. */
  readonly layer: string;
  /** The name of the kernel, as in a saved model. */
  readonly name: string;
  readonly bits: number;
  readonly qn: number;
  readonly qp: number;
  readonly shape: readonly number[];
  /** The axis of `viewShape` whose slices have a step each, or null. */
  readonly axis: number | null;
  /** `shape`; with groups along an axis of n, [groups, n / groups] in its place. The elements lie in the same order. */
  readonly viewShape: readonly number[];
  /** The weights that training updates. */
  readonly latent: tf.Variable;
  /** s, as it is now and after every update. Training moves it through the weights of the layer. */
  readonly step: tf.Variable;
  /** q, int32 in qn..qp. */
  codes(): tf.Tensor;
  /** ŵ = q s, what the layer computes with. */
  dequantized(): tf.Tensor;
}

/**
 * Every quantized kernel of a model, in the order of its layers; none for a model that is not quantized.
 *
 * @throws TypeError if `model` is no LayersModel
 */
export function quantizedWeights(model: LayersModel): QuantizedWeight[] {
  requireModel('quantizedWeights', model);
  return quantizedLayers(model).flatMap(({ layer, path }) => layer.views.map((view) => quantizedWeight(view, path)));
}

/** The quantized layers of a model with their paths. */
export function quantizedLayers(model: LayersModel): { readonly layer: QuantizedLayer; readonly path: string }[] {
  return leafLayers(model).flatMap(({ layer, path }) => (isQuantizedLayer(layer) ? [{ layer, path }] : []));
}

/** The quantized kernels of a model with the paths of their layers; a RangeError that begins with `name` if it has none. */
export function kernelsOfModel(
  name: string,
  model: LayersModel,
): { readonly view: KernelView; readonly layer: QuantizedLayer; readonly path: string }[] {
  const kernels = quantizedLayers(model).flatMap(({ layer, path }) =>
    layer.views.map((view) => ({ view, layer, path })),
  );
  if (kernels.length === 0)
    throw new RangeError(`${name}: the model has no quantized kernels; pass it to quantizeModel first`);
  return kernels;
}

function quantizedWeight(view: KernelView, layer: string): QuantizedWeight {
  const { latent, step, options } = view;
  return {
    layer,
    name: view.originalName,
    bits: options.bits,
    ...codeRange(options),
    shape: view.shape,
    axis: view.view.axis,
    viewShape: view.view.shape,
    latent,
    step,
    codes: () => view.codes(),
    dequantized: () => view.dequantized(),
  };
}
