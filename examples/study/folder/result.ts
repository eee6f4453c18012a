import type { CorruptionName } from '@qgen/corruptions';
import type { MeasureId, SearchName } from '@qgen/measures';
import type { Trial } from '../plan/setting';

interface LossAndAccuracy {
  readonly loss: number;
  readonly lossStandardError: number;
  readonly accuracy: number;
}

/** A scale found by search: σ with its 95 % interval, α with its bracket, which is none. */
export interface Scale {
  readonly value: number | null;
  readonly interval: readonly [number, number] | null;
  readonly status: string;
}

/** A PAC-Bayes or sharpness measure: μ and √(μ/m). */
export interface MeasuredValue {
  readonly mu: number | null;
  readonly normalized: number | null;
}

/** Scales, and the measures that rest on them in QGen's reading, in one view. */
export interface Flatness {
  /** Training examples behind the measures of PAC-Bayes and of sharpness. */
  readonly examples: { readonly sigma: number; readonly alpha: number | null };
  readonly scales: Readonly<Partial<Record<SearchName, Scale>>>;
  readonly measures: Readonly<Partial<Record<MeasureId, MeasuredValue>>>;
  /** The same scales in the dialect `consistent`; empty in the latent view. */
  readonly consistent: Readonly<Partial<Record<MeasureId, MeasuredValue>>>;
}

/** Loss and accuracy of the distorted test images; gap = that loss − the clean training loss. */
export interface DistortedCell {
  readonly name: CorruptionName;
  readonly severity: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly gap: number;
  readonly gapStandardError: number;
}

export interface Numbers {
  /** Mean cross-entropy over the training set after each epoch, in inference mode, and the epoch whose weights are kept. */
  readonly history: { readonly trainLoss: readonly number[]; readonly bestEpoch: number };
  readonly train: LossAndAccuracy;
  readonly test: LossAndAccuracy;
  /** Test loss − train loss, with its standard error over the examples. */
  readonly gap: { readonly loss: number; readonly standardError: number };
  /** ‖ŵ‖₂ over all kernels, batch normalization folded. */
  readonly weightNorm: number;
  /** Of every quantized kernel, with the share of its codes that are 0; empty for the float network. */
  readonly stepSizes: readonly { readonly layer: string; readonly step: number; readonly zeroFraction: number }[];
  /** Of a quantized network that of ŵ; null where neither σ nor α was asked for. */
  readonly flatness: Flatness | null;
  /** Of a quantized network σ of the weights before they are quantized; null for the float network. */
  readonly latent: Flatness | null;
  readonly distorted: readonly DistortedCell[] | null;
  /** Norm measures of the official code of Jiang et al., by id. */
  readonly norms: Readonly<Record<string, number | null>> | null;
  /** Trace of the Hessian of the training loss. */
  readonly hessianTrace: { readonly value: number; readonly standardError: number; readonly status: string } | null;
  /** Training loss along one random direction, the same for all precisions of a setting. */
  readonly landscape: { readonly x: readonly number[]; readonly loss: readonly number[] } | null;
}

/** A file of `results/`: one trial, finished. Nothing in it depends on where and when it was computed. */
export interface TrialResult extends Trial {
  readonly format: 'qgen-study 1';
  readonly id: string;
  /** `diverged`: the loss or a weight became NaN or infinite in this epoch, counted from 1, and there are no numbers. */
  readonly outcome: 'trained' | 'diverged';
  readonly divergedIn: number | null;
  readonly numbers: Numbers | null;
}
