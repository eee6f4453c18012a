import type { MeasuredOn } from '../subject/options';

/**
 * How a search ended.
 * `converged`: the interval (of alpha: the bracket) is as narrow as asked.
 * `saturated-low`, `saturated-high`: the drop passes the target already at the low end of the range, or not even at its
 * high end.
 * `unreachable`: the accuracy is too close to chance to drop by the target at all.
 * `budget`: the examples, draws or iterations ran out; the value is the best estimate so far.
 * `aborted`: the signal aborted; likewise.
 */
export type SearchStatus = 'converged' | 'saturated-low' | 'saturated-high' | 'unreachable' | 'budget' | 'aborted';

/** A scale that was tried. */
export interface TracePoint {
  readonly scale: number;
  /** Accuracy lost; of several draws the mean. */
  readonly drop: number;
  readonly draws: number;
  /** Examples behind the drop, over all draws. */
  readonly examples: number;
  /** Standard error of `drop` where there are several draws. */
  readonly standardError?: number;
}

/** The result of a search for sigma or alpha, and how it was found. */
export interface SearchEvidence extends MeasuredOn {
  /** The scale, larger is flatter; null where the search did not get one (see `status`). */
  readonly value: number | null;
  readonly status: SearchStatus;
  readonly target: number;
  readonly magnitudeAware: boolean;
  readonly protocol: string;
  /** Unperturbed accuracy, over the `examplesInBaseline` examples that the search looked at. */
  readonly accuracy: number;
  readonly examplesInBaseline: number;
  /** Every example that went through the model, unperturbed ones included; a gradient counts as two more passes. */
  readonly examplesEvaluated: number;
  /** `examplesEvaluated` over the size of the data. */
  readonly passEquivalents: number;
  /** Random draws, or of an ascent the steps. */
  readonly draws: number;
  readonly seed: number;
  /** A node above the value lies 3 standard errors below the target: accuracy does not fall steadily with the scale. */
  readonly nonMonotone: boolean;
  readonly trace: readonly TracePoint[];
  /** Among them: an accuracy less than two targets above chance, where the scale says little about flatness. */
  readonly warnings: readonly string[];
}

/** The scale of noise that costs the target accuracy. */
export interface SearchResult extends SearchEvidence {
  /**
   * 95 % interval of `value`: of 100 searches that converged with other seeds, about 95 hold the scale that all noise and
   * all examples of the data would give (benchmark `coverage`). It leaves out what another training of the model would
   * change, which is often more. Null where there is none. Where the search saturated, all that is known: beyond a limit.
   */
  readonly ci95: readonly [number, number] | null;
}

/** Where a running search stands. */
export interface SearchProgress {
  readonly phase: string;
  readonly scale: number;
  readonly estimate: number | null;
  /** Of sigma; null for alpha. */
  readonly ci95: readonly [number, number] | null;
  /** Of alpha; null for sigma. */
  readonly bracket: readonly [number, number] | null;
  readonly draws: number;
  readonly examplesEvaluated: number;
}

/** The part of a result that the protocol decides. */
export interface SearchOutcome {
  readonly value: number | null;
  /** The 95 % interval of sigma, or the bracket of alpha. */
  readonly interval: readonly [number, number] | null;
  readonly status: SearchStatus;
  readonly nonMonotone?: boolean;
  readonly warnings?: readonly string[];
}
