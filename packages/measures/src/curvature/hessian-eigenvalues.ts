import {
  type BatchProgress,
  type Data,
  type LongWork,
  requireCounts,
  requireOneOf,
  requirePositive,
  startCountedWork,
} from '@qgen/core';
import { dimensionOf } from '../perturbation/flatten';
import { type LanczosState, lanczos } from '../spectrum/lanczos';
import { openExamples } from '../subject/open-examples';
import { openModel } from '../subject/open-model';
import { asTrained, type MeasuredOn, measuredOn, type OpenModelOptions } from '../subject/options';
import type { ModelLike } from '../subject/parameters';
import { type CurvatureOptions, openCurvature, requireCurvatureOptions } from './curvature';

export interface HessianEigenvaluesOptions extends OpenModelOptions, CurvatureOptions, LongWork<BatchProgress> {
  /** How many eigenvalues. */
  readonly count?: number;
  /** By value, not by magnitude: the smallest one is negative wherever the loss curves down. */
  readonly which?: 'largest' | 'smallest';
  /** Stops when the residual of every eigenvalue is below this share of it. */
  readonly tolerance?: number;
  /** The most products of the curvature with a vector. */
  readonly maxProducts?: number;
  readonly seed?: number;
}

export interface HessianEigenvalues extends MeasuredOn {
  /** The matrix that they are eigenvalues of: 'Hessian', 'Gauss-Newton' or 'smoothed curvature at radius …'. */
  readonly quantity: string;
  /** Outermost first. A larger top eigenvalue is sharper. */
  readonly values: readonly number[];
  /** |C y - value y| of each: an eigenvalue lies within that distance. */
  readonly residuals: readonly number[];
  /** `'budget'`: the products ran out before the residuals were small. */
  readonly status: 'converged' | 'budget';
  readonly products: number;
  readonly dimension: number;
  readonly examples: number;
}

/**
 * The largest (or smallest) eigenvalues of the Hessian of the mean loss at w, over all parameters that training moves and
 * kernels as stored unless `scope` and `batchNorm` say otherwise, by Lanczos iterations from a random vector with full
 * reorthogonalization. A larger top eigenvalue is sharper; it changes when layers are rescaled, so compare nets of one
 * architecture. Each product passes over the data, a gradient of a gradient (`'gauss-newton'`: as much as about 5 forward
 * passes). A repeated eigenvalue may be found once. Keeps one vector of the size of the parameters for each product.
 * Awaits `registerKernels()`, for it differentiates.
 *
 * @throws RangeError for an unknown option, one out of range, a count beyond the number of parameters, and where the model
 * returns NaN; the data's and the model's errors
 */
export async function hessianEigenvalues(
  model: ModelLike,
  data: Data,
  options: HessianEigenvaluesOptions = {},
): Promise<HessianEigenvalues> {
  const caller = 'hessianEigenvalues';
  requireCurvatureOptions(caller, options, ['count', 'which', 'tolerance', 'maxProducts']);
  const { count = 1, which = 'largest', tolerance = 1e-3, maxProducts = 100, seed = 0 } = options;
  requireOneOf(caller, 'which', which, ['largest', 'smallest']);
  requirePositive(caller, { tolerance });
  requireCounts(caller, { count, maxProducts });
  if (maxProducts < count)
    throw new RangeError(`${caller}: maxProducts must be at least count, ${count}, got ${maxProducts}`);
  const subject = openModel(model, asTrained(options), caller, 'any');
  try {
    const examples = await openExamples(subject, data, caller);
    const dimension = dimensionOf(subject);
    if (count > dimension)
      throw new RangeError(`${caller}: count must be from 1 to the ${dimension} parameters, got ${count}`);
    const work = startCountedWork(options, maxProducts * Math.ceil(examples.size / (options.batchSize ?? 128)));
    const curvature = await openCurvature(subject, examples, { ...options, work }, caller);

    const outermost = (steps: number) =>
      Array.from({ length: Math.min(count, steps) }, (_, i) => (which === 'largest' ? i : steps - 1 - i));
    const settled = ({ spectrum: { values }, residuals, steps }: LanczosState) =>
      steps >= count && outermost(steps).every((i) => residuals[i] <= tolerance * Math.abs(values[i]));
    const iterations = lanczos({
      dimension,
      maxSteps: maxProducts,
      seed,
      done: settled,
    });
    let step = iterations.next();
    while (!step.done) step = iterations.next(await curvature.product(step.value));

    const { spectrum, residuals, steps } = step.value;
    const chosen = outermost(steps);
    return {
      quantity: curvature.quantity,
      values: chosen.map((i) => spectrum.values[i]),
      residuals: chosen.map((i) => residuals[i]),
      status: settled(step.value) ? 'converged' : 'budget',
      products: steps,
      dimension,
      examples: examples.size,
      ...measuredOn(subject),
    };
  } finally {
    subject.close();
  }
}
