import { type BatchProgress, type Data, type LongWork, openData, startCountedWork } from '@qgen/core';
import { dimensionOf } from '../flat-vector';
import type { ModelLike } from '../parameters';
import { type LanczosState, lanczos } from '../spectrum/lanczos';
import { openSubject, type SubjectOptions } from '../subject';
import { type CurvatureOptions, openCurvature } from './curvature';

export interface HessianEigenvaluesOptions extends SubjectOptions, CurvatureOptions, LongWork<BatchProgress> {
  /** How many eigenvalues. */
  readonly count?: number;
  readonly which?: 'largest' | 'smallest';
  /** Stops when the residual of every eigenvalue is below this share of it. */
  readonly tolerance?: number;
  /** The most products of the curvature with a vector. */
  readonly maxProducts?: number;
  readonly seed?: number;
}

export interface HessianEigenvalues {
  /** What they are eigenvalues of: 'Gauss-Newton', 'Hessian' or 'smoothed curvature at radius …'. */
  readonly quantity: string;
  /** Outermost first. */
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
 * The largest (or smallest) eigenvalues of the curvature of the mean cross-entropy at w, over all parameters that
 * training moves unless `scope` says otherwise, by Lanczos iterations from a random vector with full
 * reorthogonalization. Each product passes over the data: for Gauss-Newton as much as about 5 forward passes. A repeated
 * eigenvalue may be found once. Keeps one vector of the size of the parameters for each product. Awaits
 * `registerKernels()`, for it differentiates.
 *
 * @throws TypeError for `'exact'` without `enableSecondOrder`; RangeError for `'smoothed'` without a radius, for a count
 * beyond the number of parameters, and where the model returns NaN; the data's and the model's errors
 */
export async function hessianEigenvalues(
  model: ModelLike,
  data: Data,
  options: HessianEigenvaluesOptions = {},
): Promise<HessianEigenvalues> {
  const { count = 1, which = 'largest', tolerance = 1e-3, maxProducts = 100, seed = 0 } = options;
  const subject = openSubject(model, { scope: 'all', ...options }, 'hessianEigenvalues');
  try {
    const examples = await openData(data, 'hessianEigenvalues', subject.expects);
    const dimension = dimensionOf(subject);
    if (!(Number.isInteger(count) && count > 0 && count <= dimension))
      throw new RangeError(`hessianEigenvalues: count must be from 1 to the ${dimension} parameters, got ${count}`);
    if (!(Number.isInteger(maxProducts) && maxProducts >= count))
      throw new RangeError(`hessianEigenvalues: maxProducts must be an integer from count, got ${maxProducts}`);
    const work = startCountedWork(options, maxProducts * Math.ceil(examples.size / (options.batchSize ?? 128)));
    const curvature = await openCurvature(subject, examples, { ...options, work }, 'hessianEigenvalues');

    const outermost = (steps: number) =>
      Array.from({ length: Math.min(count, steps) }, (_, i) => (which === 'largest' ? i : steps - 1 - i));
    const settled = ({ spectrum: { values }, residuals, steps }: LanczosState) =>
      steps >= count && outermost(steps).every((i) => residuals[i]! <= tolerance * Math.abs(values[i]!));
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
      values: chosen.map((i) => spectrum.values[i]!),
      residuals: chosen.map((i) => residuals[i]!),
      status: settled(step.value) ? 'converged' : 'budget',
      products: steps,
      dimension,
      examples: examples.size,
    };
  } finally {
    subject.close();
  }
}
