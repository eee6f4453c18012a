import type { CorruptionName } from '@qgen/corruptions';

/** What can be left out; losses, accuracies, gap, weight norm and step sizes are always taken. */
export const PARTS = ['sigma', 'alpha', 'latent', 'corruptions', 'norms', 'hessian', 'landscape'] as const;
export type Part = (typeof PARTS)[number];

/** What is measured of a trained network, and on how many examples. */
export interface Measuring {
  readonly parts: readonly Part[];
  /** Training examples that α is searched on, the first ones; null for all. They are m of the measures of sharpness. */
  readonly alphaExamples: number | null;
  /** Training examples of Hessian and landscape, the first ones. */
  readonly curvatureExamples: number;
  /** Half the 95 % interval of ln σ at which its search stops. */
  readonly sigmaTolerance: number;
  /** Examples after which a search for σ stops in any case. */
  readonly sigmaBudget: number;
  /** Ends of the bracket of α as a share of it, and steps of an ascent. */
  readonly alphaTolerance: number;
  readonly alphaSteps: number;
  readonly corruptions: readonly CorruptionName[];
  readonly severities: readonly number[];
  /** Test images that are distorted, the first ones; null for all. */
  readonly corruptedExamples: number | null;
  /** Of noise and distortions: the same for all trials, so that their differences are paired. */
  readonly seed: number;
}
