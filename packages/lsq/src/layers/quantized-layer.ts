import type { LayerVariable, layers } from '@tensorflow/tfjs-layers';
import type { ActivationQuantizer } from './activation-quantizer';
import type { KernelView } from './kernel-view';
import type { QUANTIZED, QuantizedProtocol } from './protocol';
import type { ActivationSettings, WeightSettings } from './settings';

/** The part of a quantized layer's configuration that its base class does not have. */
export interface LayerQuantization {
  readonly weights: WeightSettings | null;
  readonly activations: ActivationSettings | null;
  readonly stepsFrozen: boolean;
  readonly kernelsFrozen: boolean;
}

/** A layer of any class whose kernels, and whose input if asked for, are fake-quantized in every call. */
export interface QuantizedLayer extends layers.Layer {
  quantization: LayerQuantization;
  readonly baseClassName: string;
  readonly views: readonly KernelView[];
  readonly inputQuantizer: ActivationQuantizer | null;
  /** The weights of the base class, in its order, whatever is frozen. */
  readonly baseWeights: LayerVariable[];
  /** The weights that quantizing added, for kernels and then for activations. */
  readonly stepWeights: LayerVariable[];
  readonly [QUANTIZED]: QuantizedProtocol;
}

export function isQuantizedLayer(layer: unknown): layer is QuantizedLayer {
  return typeof layer === 'object' && layer !== null && 'baseWeights' in layer;
}
