import { type LongWork, requireCounts, requireOneOf, requirePositive } from '@qgen/core';
import type { OpenModelOptions } from '../../subject/options';
import { requireRange } from '../bisect-range';
import type { SearchProgress } from '../result';
import { requireSearchOptions } from '../search-options';
import type { BallShape } from './ball';

/** The options of both ascents. */
interface AlphaOptions extends OpenModelOptions, LongWork<SearchProgress> {
  /** The box |u_i| <= alpha' (|w_i| + epsilon), or alpha' |w_i| + epsilon, in place of |u_i| <= alpha. */
  readonly magnitudeAware?: boolean;
  /** The drop of accuracy that alpha stands for. */
  readonly target?: number;
  readonly epsilon?: number;
  /** Where epsilon stands in the magnitude-aware box: `'scaled'` with `'signPGD'`, `'additive'` with `'paper'` unless said. */
  readonly epsilonInBall?: BallShape['epsilonInBall'];
  /** No new ascent starts after this many examples, a gradient counting as three. */
  readonly maxExamples?: number;
  /** The order of the mini-batches of `'paper'`; `'signPGD'` draws nothing. */
  readonly seed?: number;
  /** Examples on the device at once. */
  readonly batchSize?: number;
}

/** Sign-gradient ascent on all examples, deterministic, in boxes that are halved in ln alpha: see `bracketAndPolish`. */
export interface SignAlphaOptions extends AlphaOptions {
  readonly ascent?: 'signPGD';
  /** Half the bracket of ln alpha at which to stop. */
  readonly relativeTolerance?: number;
  /** Steps of an ascent while bracketing. */
  readonly bracketSteps?: number;
  /** Steps of an ascent at the end. */
  readonly steps?: number;
  /** The scale to try first. */
  readonly start?: number;
}

/** Stochastic gradient ascent in boxes that are halved as the literature does: see `sgdAscent` and `bisectRange`. */
export interface PaperAlphaOptions extends AlphaOptions {
  readonly ascent: 'paper';
  /** Passes over the data in every box; as 20 full-batch steps (`ascentBatchSize` = m) the weights hardly move. */
  readonly epochs?: number;
  readonly ascentBatchSize?: number;
  readonly learningRate?: number;
  /** The interval that is halved. */
  readonly range?: readonly [number, number];
  /** How often. */
  readonly iterations?: number;
  /** The search stops where the drop is this close to the target. */
  readonly tolerance?: number;
}

export type FindAlphaOptions = SignAlphaOptions | PaperAlphaOptions;

const SIGN_OPTIONS = [
  'relativeTolerance',
  'bracketSteps',
  'steps',
  'start',
] as const satisfies readonly (keyof SignAlphaOptions)[];

const PAPER_OPTIONS = [
  'epochs',
  'ascentBatchSize',
  'learningRate',
  'range',
  'iterations',
  'tolerance',
] as const satisfies readonly (keyof PaperAlphaOptions)[];

const OPTIONS = ['epsilonInBall', 'maxExamples', 'ascent'] as const satisfies readonly (keyof FindAlphaOptions)[];

const KIND = {
  key: 'ascent',
  preset: 'signPGD',
  protocols: { signPGD: SIGN_OPTIONS, paper: PAPER_OPTIONS },
  others: OPTIONS,
} as const;

/** @throws RangeError for an option that is unknown, out of range or of the other ascent */
export function checkAlphaOptions(options: FindAlphaOptions, caller: string): void {
  requireSearchOptions(caller, options, KIND);
  const { epsilonInBall, maxExamples } = options;
  if (epsilonInBall !== undefined) requireOneOf(caller, 'epsilonInBall', epsilonInBall, ['scaled', 'additive']);
  requireCounts(caller, { maxExamples });
  if (options.ascent === 'paper') {
    const { epochs, ascentBatchSize, learningRate = 1e-4, range, iterations, tolerance = 0.01 } = options;
    requireCounts(caller, { epochs, ascentBatchSize, iterations });
    requirePositive(caller, { learningRate, tolerance });
    requireRange(caller, range);
  } else {
    const { relativeTolerance = 0.01, bracketSteps, steps, start = 1 } = options;
    requirePositive(caller, { relativeTolerance, start });
    requireCounts(caller, { bracketSteps, steps });
  }
}
