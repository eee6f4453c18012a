import type * as tf from '@tensorflow/tfjs-core';

/**
 * The quantized-model protocol: a layer that quantizes carries this object under `Symbol.for('@qgen/quantized')`, so
 * that code which perturbs, measures or prunes weights can treat it right without importing this package.
 *
 * With `bypass` false, the default, the layer quantizes `latent` on every call, so that a change of `latent` is
 * quantized again (the latent view). With `bypass` true it uses `latent` as it is: put `dequantized()` and a
 * perturbation into `latent` to work in real space (the dequantized view). Whoever changes either puts it back.
 */
export interface QuantizedProtocol {
  readonly kernels: readonly QuantizedKernel[];
  /** Every step and offset that the layer learns, of kernels and of activations. */
  readonly steps: readonly tf.Variable[];
}

export interface QuantizedKernel {
  readonly latent: tf.Variable;
  readonly step: tf.Variable;
  bypass: boolean;
  /** ŵ = fakeQuant(latent, step) of the values now stored; a new tensor. */
  dequantized(): tf.Tensor;
}

export const QUANTIZED: unique symbol = Symbol.for('@qgen/quantized') as never;
