import { leafLayers, requireKnownOptions, requireOneOf } from '@qgen/core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { isQuantizedLayer, type LayerQuantization } from '../layers/quantized-layer';
import { CLASS_NAME, quantizedConfig } from '../layers/quantized-layer-class';
import { copyWeights } from '../model/copy-weights';
import { disposeModel } from '../model/dispose-model';
import { type LayerEntry, rebuildModel } from '../model/rebuild-model';
import { requireModel } from '../model/require-model';

export interface DequantizeOptions {
  /**
   * 'dequantized', the default: kernels are ŵ = q s, and the model predicts bit for bit what the quantized one does.
   * 'latent': the float kernels that training updated, to quantize once more with other bits.
   */
  readonly weights?: 'dequantized' | 'latent';
}

/**
 * A plain model with the graph and the weights of a quantized one, its layers of their own classes and without steps.
 * `model` is left as it is.
 *
 * With 'dequantized' a layer whose input is quantized goes on quantizing it, as its predictions are to stay the same
 * (loading such a model needs this package imported); with 'latent' nothing in it quantizes. `FakeQuant` layers stay.
 *
 * For fewer bits step by step: `quantizeModel(await dequantizeModel(model8, { weights: 'latent' }), { bits: 4 })`. Steps
 * of different bits are not comparable, so they start anew.
 *
 * @throws RangeError if nothing in the model is quantized, or an option is unknown
 * @throws TypeError if `model` is no LayersModel
 */
export async function dequantizeModel(model: LayersModel, options: DequantizeOptions = {}): Promise<LayersModel> {
  const name = 'dequantizeModel';
  requireModel(name, model);
  requireKnownOptions(name, options, ['weights']);
  const { weights = 'dequantized' } = options;
  requireOneOf(name, 'weights', weights, ['dequantized', 'latent']);
  if (!leafLayers(model).some(({ layer }) => isQuantizedLayer(layer)))
    throw new RangeError(`${name}: no layer of the model is quantized; it is a plain model already`);
  return plainModel(name, model, { weights });
}

/** As `dequantizeModel`, for whoever has checked the model. `forShipping` leaves out what concerns training alone. */
export function plainModel(
  caller: string,
  model: LayersModel,
  { weights, forShipping = false }: Required<DequantizeOptions> & { readonly forShipping?: boolean },
): LayersModel {
  const plain = rebuildModel(caller, model, (entry) => {
    const config = plainConfig(entry, weights === 'dequantized');
    return forShipping ? withoutConstraints(config) : config;
  });
  const quantized = leafLayers(model).flatMap(({ layer }) => (isQuantizedLayer(layer) ? layer : []));
  const views = new Map(quantized.flatMap((layer) => layer.views.map((view) => [view.latentWeight, view] as const)));
  const read = (weight: LayerVariable) => {
    const view = weights === 'dequantized' ? views.get(weight) : undefined;
    return view ? view.dequantized() : weight.read();
  };
  try {
    copyWeights(caller, model, plain, read);
    return plain;
  } catch (error) {
    disposeModel(plain);
    throw error;
  }
}

/** A loader would apply the constraints, which `fit` does not do, and so change weights. */
function withoutConstraints<T>(config: T): T {
  if (Array.isArray(config)) return config.map(withoutConstraints) as T;
  if (typeof config !== 'object' || config === null) return config;
  const entries = Object.entries(config).filter(([key]) => !key.endsWith('Constraint'));
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutConstraints(value)])) as T;
}

function plainConfig(entry: LayerEntry, keepActivations: boolean) {
  const { layer, quantization } = entry.config as unknown as {
    readonly layer?: { readonly className: string; readonly config: Readonly<Record<string, unknown>> };
    readonly quantization?: LayerQuantization;
  };
  if (entry.className !== CLASS_NAME || !layer || !quantization) return entry;
  return keepActivations && quantization.activations
    ? quantizedConfig(layer.className, layer.config, { ...quantization, weights: null })
    : layer;
}
