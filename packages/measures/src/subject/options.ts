import type { OutputKind } from '@qgen/core';
import type { Scope } from './parameters';

/** The part of a quantized model that is measured: see `OpenModelOptions`. */
export type View = 'float' | 'dequantized' | 'latent';

/** Which parameters are perturbed and make up w, and in which form. */
export interface OpenModelOptions {
  /** Which parameters; `'weights'` (kernels) unless said. */
  readonly scope?: Scope;
  /**
   * Of a quantized model: `'dequantized'` (default) measures the quantized weights in real space, the function and the
   * vector that the bounds are about; `'latent'` the float weights, quantized again after every perturbation; `'float'`
   * the same float weights without the quantizers of kernels: the float model being trained.
   */
  readonly view?: View;
  /**
   * `'fold'` measures the kernels that batch normalization makes, K gamma / sqrt(variance + epsilon), which is
   * invariant to the scale of K: the default of searches, norms and landscapes. `'inference'` measures the kernels as
   * stored: the default of `samSharpness`, `averageSharpness` and the Hessians. Statistics are frozen either way.
   */
  readonly batchNorm?: 'fold' | 'inference';
  /** Whether the step sizes and offsets of quantizers are perturbed too; they are not, unless asked. */
  readonly includeSteps?: boolean;
  /**
   * The kind of output of the model. By default it is that of `{ forward, variables, output }` (logits where it has none), or is
   * read from a LayersModel: see `OutputKind`.
   */
  readonly output?: OutputKind;
}

/** The names of `OpenModelOptions`. */
export const SUBJECT_OPTIONS = ['scope', 'view', 'batchNorm', 'includeSteps', 'output'] as const;

/**
 * The options of measures of the loss itself (SAM, average sharpness, Hessians): all parameters that training moves, as
 * they are stored, unless said otherwise.
 */
export function asTrained<Options extends OpenModelOptions>(options: Options): Options {
  return { ...options, scope: options.scope ?? 'all', batchNorm: options.batchNorm ?? 'inference' };
}

/** The setting that a number was measured in. Numbers measured in different settings are not comparable. */
export interface MeasuredOn {
  /** `'float'` where nothing is quantized. */
  readonly view: View;
  /** `'custom'` for a function. */
  readonly scope: 'weights' | 'all' | 'custom';
  /** `'none'` where the model has no batch normalization. */
  readonly batchNorm: 'fold' | 'inference' | 'none';
  /** The kind of output of the model, which determines the loss. */
  readonly output: OutputKind;
}

export function measuredOn({ view, scope, batchNorm, output }: MeasuredOn): MeasuredOn {
  return { view, scope, batchNorm, output };
}
