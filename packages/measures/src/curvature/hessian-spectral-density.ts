import { type BatchProgress, type Data, type LongWork, requireCounts, startCountedWork } from '@qgen/core';
import { dimensionOf } from '../perturbation/flatten';
import { lanczos } from '../spectrum/lanczos';
import { openExamples } from '../subject/open-examples';
import { openModel } from '../subject/open-model';
import { asTrained, type MeasuredOn, measuredOn, type OpenModelOptions } from '../subject/options';
import type { ModelLike } from '../subject/parameters';
import { type CurvatureOptions, openCurvature, requireCurvatureOptions } from './curvature';

export interface HessianSpectralDensityOptions extends OpenModelOptions, CurvatureOptions, LongWork<BatchProgress> {
  /** Random vectors; the density is the mean over them. */
  readonly probes?: number;
  /** Products of the curvature with a vector for each probe: the resolution. */
  readonly steps?: number;
  readonly seed?: number;
}

export interface HessianSpectralDensity extends MeasuredOn {
  /** The matrix that it is the spectrum of: 'Hessian', 'Gauss-Newton' or 'smoothed curvature at radius …'. */
  readonly quantity: string;
  /** A share of about `weights[k]` of all eigenvalues lies near `values[k]`. Sorted, largest first; weights sum to 1. */
  readonly values: readonly number[];
  readonly weights: readonly number[];
  readonly dimension: number;
  readonly examples: number;
}

/**
 * The density of the spectrum of the Hessian of the mean loss by stochastic Lanczos quadrature (Ghorbani, Krishnan and Xiao 2019,
 * algorithm 2): for each random start the Ritz values, weighted by the squared first components of their eigenvectors.
 * Draw it as a histogram, or smooth it with a Gaussian. Bulk and outliers are right, single eigenvalues inside the bulk
 * are not resolved. Awaits `registerKernels()`.
 *
 * @throws as `hessianEigenvalues`
 */
export async function hessianSpectralDensity(
  model: ModelLike,
  data: Data,
  options: HessianSpectralDensityOptions = {},
): Promise<HessianSpectralDensity> {
  const caller = 'hessianSpectralDensity';
  requireCurvatureOptions(caller, options, ['probes', 'steps']);
  const { probes = 4, steps = 40, seed = 0, batchSize = 128 } = options;
  requireCounts(caller, { probes, steps });
  if (!Number.isSafeInteger(seed * probes + probes))
    throw new RangeError(`${caller}: seed times probes must be below 2^53, got ${seed} and ${probes}`);
  const subject = openModel(model, asTrained(options), caller, 'any');
  try {
    const examples = await openExamples(subject, data, caller);
    const dimension = dimensionOf(subject);
    const work = startCountedWork(options, probes * steps * Math.ceil(examples.size / batchSize));
    const curvature = await openCurvature(subject, examples, { ...options, work }, caller);

    const nodes: { value: number; weight: number }[] = [];
    for (let probe = 0; probe < probes; probe++) {
      // Lanczos draws further streams of its seed, so probes are told apart by the seed.
      const iterations = lanczos({ dimension, maxSteps: steps, seed: seed * probes + probe, done: () => false });
      let step = iterations.next();
      while (!step.done) step = iterations.next(await curvature.product(step.value));
      const { values, first } = step.value.spectrum;
      for (const [k, value] of values.entries()) nodes.push({ value, weight: first[k] ** 2 / probes });
    }
    nodes.sort((a, b) => b.value - a.value);
    return {
      quantity: curvature.quantity,
      values: nodes.map((node) => node.value),
      weights: nodes.map((node) => node.weight),
      dimension,
      examples: examples.size,
      ...measuredOn(subject),
    };
  } finally {
    subject.close();
  }
}
