import { type LongWork, requireCounts, requireOneOf, requirePositive } from '@qgen/core';
import type { Noise } from '../../perturbation/gaussian-noise';
import type { OpenModelOptions } from '../../subject/options';
import { requireRange } from '../bisect-range';
import type { SearchProgress } from '../result';
import { requireSearchOptions } from '../search-options';

/** The options of both protocols. */
interface SigmaOptions extends OpenModelOptions, LongWork<SearchProgress> {
  /** Noise of standard deviation sqrt(sigma'^2 w^2 + epsilon^2) in place of sigma. */
  readonly magnitudeAware?: boolean;
  /** The drop of accuracy that sigma stands for. */
  readonly target?: number;
  /** Draw k of a seed is the same noise for every model of one architecture, so that differences are paired. */
  readonly seed?: number;
  /** Floor of magnitude-aware noise. */
  readonly epsilon?: number;
  /** `'dziugaite2020'`: the standard deviation is sigma^2, or sigma'^2 w^2 + epsilon^2, as in that paper's code. */
  readonly noise?: Noise['convention'];
  /** Examples on the device at once. */
  readonly batchSize?: number;
}

/** Draws on small random subsets, each a step of Newton's towards the root: see `fastSearch`. */
export interface FastSigmaOptions extends SigmaOptions {
  readonly protocol?: 'fast';
  /** Half the 95 % interval of ln sigma at which to stop. */
  readonly relativeTolerance?: number;
  /** Examples that a draw sees. */
  readonly examplesPerDraw?: number;
  /** Stop after this many examples, clean passes included: 2^18 unless said. */
  readonly maxExamples?: number;
  /** The scale to try first, say the value found for a sibling. */
  readonly start?: number;
}

/** The bisection of the literature, defects included: see `bisectRange`. */
export interface PaperSigmaOptions extends SigmaOptions {
  readonly protocol: 'paper';
  /** The interval that is halved. */
  readonly range?: readonly [number, number];
  /** How often. */
  readonly iterations?: number;
  /** Draws at every midpoint, each on all examples. */
  readonly drawsPerNode?: number;
  /** The search stops where the drop is this close to the target. */
  readonly tolerance?: number;
}

export type FindSigmaOptions = FastSigmaOptions | PaperSigmaOptions;

const FAST_OPTIONS = [
  'relativeTolerance',
  'examplesPerDraw',
  'maxExamples',
  'start',
] as const satisfies readonly (keyof FastSigmaOptions)[];

const PAPER_OPTIONS = [
  'range',
  'iterations',
  'drawsPerNode',
  'tolerance',
] as const satisfies readonly (keyof PaperSigmaOptions)[];

const OPTIONS = ['noise', 'protocol'] as const satisfies readonly (keyof FindSigmaOptions)[];

const KIND = {
  key: 'protocol',
  preset: 'fast',
  protocols: { fast: FAST_OPTIONS, paper: PAPER_OPTIONS },
  others: OPTIONS,
} as const;

/** @throws RangeError for an option that is unknown, out of range or of the other protocol */
export function checkSigmaOptions(options: FindSigmaOptions, caller: string): void {
  requireSearchOptions(caller, options, KIND);
  requireOneOf(caller, 'noise', options.noise ?? 'standard', ['standard', 'dziugaite2020']);
  if (options.protocol === 'paper') {
    const { range, iterations, drawsPerNode, tolerance = 0.01 } = options;
    requireRange(caller, range);
    requireCounts(caller, { iterations, drawsPerNode });
    requirePositive(caller, { tolerance });
  } else {
    const { relativeTolerance = 0.03, examplesPerDraw, maxExamples, start = 1 } = options;
    requirePositive(caller, { relativeTolerance, start });
    requireCounts(caller, { examplesPerDraw, maxExamples });
  }
}
