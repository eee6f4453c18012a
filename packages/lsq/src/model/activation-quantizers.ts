import { leafLayers } from '@qgen/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ActivationQuantizer } from '../layers/activation-quantizer';
import { FakeQuant } from '../layers/fake-quant-layer';
import { isQuantizedLayer } from '../layers/quantized-layer';

/** The activation quantizers of a model, each with the path of its layer. */
export function activationQuantizers(
  model: LayersModel,
): { readonly path: string; readonly quantizer: ActivationQuantizer }[] {
  return leafLayers(model).flatMap(({ layer, path }) => {
    const quantizer = isQuantizedLayer(layer)
      ? layer.inputQuantizer
      : layer instanceof FakeQuant
        ? layer.quantizer
        : null;
    return quantizer ? [{ path, quantizer }] : [];
  });
}
