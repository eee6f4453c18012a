import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';

/** The symbol under which a layer carries a description of what it quantizes. Layers of `@qgen/lsq` have it. */
const protocol = Symbol.for('@qgen/quantized');

/** The description that a quantizing layer carries of itself; any library may put it on its layers. */
export interface QuantizedLayer {
  readonly kernels: readonly {
    /** The float weights that training moves. */
    readonly latent: Variable;
    /** The step size s of their grid. */
    readonly step: Variable;
    /** True makes the layer compute with `latent` as it is, without quantizing it. */
    bypass: boolean;
    /** w_hat = s round(clip(w / s)) of the stored values; the caller disposes it. */
    dequantized(): Tensor;
  }[];
  /** Every step size and offset that the layer learns, of kernels and activations. */
  readonly steps: readonly Variable[];
}

/** The description that `layer` carries, or undefined for a layer that does not quantize. */
export function quantizedLayer(layer: layers.Layer): QuantizedLayer | undefined {
  return (layer as unknown as Record<symbol, QuantizedLayer | undefined>)[protocol];
}
