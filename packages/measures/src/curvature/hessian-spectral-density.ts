import { type BatchProgress, type Data, type LongWork, openData, startCountedWork } from '@qgen/core';
import { dimensionOf } from '../flat-vector';
import type { ModelLike } from '../parameters';
import { lanczos } from '../spectrum/lanczos';
import { openSubject, type SubjectOptions } from '../subject';
import { type CurvatureOptions, openCurvature } from './curvature';

export interface HessianSpectralDensityOptions extends SubjectOptions, CurvatureOptions, LongWork<BatchProgress> {
  /** Random vectors; the density is the mean over them. */
  readonly probes?: number;
  /** Products of the curvature with a vector for each probe: the resolution. */
  readonly steps?: number;
  readonly seed?: number;
}

export interface HessianSpectralDensity {
  /** What it is the spectrum of: 'Gauss-Newton', 'Hessian' or 'smoothed curvature at radius …'. */
  readonly quantity: string;
  /** A share of about `weights[k]` of all eigenvalues lies near `values[k]`. Sorted, largest first; weights sum to 1. */
  readonly values: readonly number[];
  readonly weights: readonly number[];
  readonly dimension: number;
  readonly examples: number;
}

/**
 * The density of the spectrum of the curvature by stochastic Lanczos quadrature (Ghorbani, Krishnan and Xiao 2019,
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
  const { probes = 4, steps = 40, seed = 0, batchSize = 128 } = options;
  for (const [name, value] of Object.entries({ probes, steps }))
    if (!(Number.isInteger(value) && value > 0))
      throw new RangeError(`hessianSpectralDensity: ${name} must be an integer from 1, got ${value}`);
  const subject = openSubject(model, { scope: 'all', ...options }, 'hessianSpectralDensity');
  try {
    const examples = await openData(data, 'hessianSpectralDensity', subject.expects);
    const dimension = dimensionOf(subject);
    const work = startCountedWork(options, probes * steps * Math.ceil(examples.size / batchSize));
    const curvature = await openCurvature(subject, examples, { ...options, work }, 'hessianSpectralDensity');

    const nodes: { value: number; weight: number }[] = [];
    for (let probe = 0; probe < probes; probe++) {
      // Lanczos draws further streams of its seed, so probes are told apart by the seed.
      const iterations = lanczos({ dimension, maxSteps: steps, seed: seed * probes + probe, done: () => false });
      let step = iterations.next();
      while (!step.done) step = iterations.next(await curvature.product(step.value));
      const { values, first } = step.value.spectrum;
      for (const [k, value] of values.entries()) nodes.push({ value, weight: first[k]! ** 2 / probes });
    }
    nodes.sort((a, b) => b.value - a.value);
    return {
      quantity: curvature.quantity,
      values: nodes.map((node) => node.value),
      weights: nodes.map((node) => node.weight),
      dimension,
      examples: examples.size,
    };
  } finally {
    subject.close();
  }
}
