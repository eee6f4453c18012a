import {
  type BatchProgress,
  type Data,
  drawsFor,
  type LongWork,
  meanInterval,
  philoxBits,
  requireCounts,
  requirePositive,
  startCountedWork,
} from '@qgen/core';
import { dimensionOf } from '../perturbation/flatten';
import { openExamples } from '../subject/open-examples';
import { openModel } from '../subject/open-model';
import { asTrained, type MeasuredOn, measuredOn, type OpenModelOptions } from '../subject/options';
import type { ModelLike } from '../subject/parameters';
import { type CurvatureOptions, openCurvature, requireCurvatureOptions } from './curvature';

export interface HessianTraceOptions extends OpenModelOptions, CurvatureOptions, LongWork<BatchProgress> {
  /**
   * The most random vectors. Give it room: where it is about what the tolerance takes, the traces that converge are those
   * whose forms scatter little by chance, and fewer of their intervals hold (86 to 92 %).
   */
  readonly maxProbes?: number;
  /** Stops, after 32 probes or more, when half the 95 % interval is within this share of the trace. */
  readonly relativeTolerance?: number;
  readonly seed?: number;
}

export interface HessianTrace extends MeasuredOn {
  /** The matrix that it is the trace of: 'Hessian', 'Gauss-Newton' or 'smoothed curvature at radius …'. */
  readonly quantity: string;
  /** Larger is sharper. */
  readonly value: number;
  readonly standardError: number;
  /**
   * 95 % interval over all random vectors, for these examples: Student's, with the skewness of the forms taken out. It
   * leaves out what another training of the model would change.
   */
  readonly ci95: readonly [number, number];
  /** `'budget'`: the probes ran out before the interval was as narrow as asked. */
  readonly status: 'converged' | 'budget';
  readonly probes: number;
  readonly dimension: number;
  readonly examples: number;
}

/** The probes of the first look; fewer give no interval to trust. The next looks come when there are twice as many. */
const FIRST_LOOK = 32;

/**
 * The trace of the Hessian of the mean loss at w, over all parameters that training moves and kernels as stored unless
 * `scope` and `batchNorm` say otherwise, by Hutchinson's estimator: the mean of `v^T C v` over random signs v. Larger is
 * sharper; it changes when layers are rescaled, so compare nets of one architecture. Each probe passes over the data, a
 * gradient of a gradient (`'gauss-newton'`: three times forward and never backward). The same seed gives every model of
 * one architecture the same v. Awaits `registerKernels()`.
 *
 * @throws as `hessianEigenvalues`
 */
export async function hessianTrace(
  model: ModelLike,
  data: Data,
  options: HessianTraceOptions = {},
): Promise<HessianTrace> {
  const caller = 'hessianTrace';
  requireCurvatureOptions(caller, options, ['maxProbes', 'relativeTolerance']);
  const { maxProbes = 100, relativeTolerance = 0.05, seed = 0 } = options;
  requirePositive(caller, { relativeTolerance });
  requireCounts(caller, { maxProbes });
  if (maxProbes < 2) throw new RangeError(`${caller}: maxProbes must be at least 2, got ${maxProbes}`);
  const subject = openModel(model, asTrained(options), caller, 'any');
  try {
    const examples = await openExamples(subject, data, caller);
    const dimension = dimensionOf(subject);
    const work = startCountedWork(options, maxProbes * Math.ceil(examples.size / (options.batchSize ?? 128)));
    const curvature = await openCurvature(subject, examples, { ...options, work }, caller);

    const forms: number[] = [];
    let plan = FIRST_LOOK;
    let found = meanInterval(forms);
    let converged = false;
    while (!converged && forms.length < maxProbes) {
      const look = Math.min(maxProbes, Math.max(FIRST_LOOK, Math.min(plan, 2 * forms.length)));
      while (forms.length < look)
        forms.push(await curvature.form(randomSigns(dimension, { seed, stream: forms.length })));
      found = meanInterval(forms);
      const tolerance = relativeTolerance * Math.abs(found.mean);
      converged = forms.length >= plan && found.halfWidth <= tolerance;
      plan = Math.max(forms.length + 1, drawsFor(tolerance, { draws: forms.length, halfWidth: found.halfWidth }));
    }
    return {
      quantity: curvature.quantity,
      value: found.mean,
      standardError: found.standardError,
      ci95: found.interval,
      status: converged ? 'converged' : 'budget',
      probes: forms.length,
      dimension,
      examples: examples.size,
      ...measuredOn(subject),
    };
  } finally {
    subject.close();
  }
}

function randomSigns(dimension: number, address: { readonly seed: number; readonly stream: number }): Float64Array {
  return Float64Array.from(philoxBits(dimension, address), (bits) => (bits & 1 ? 1 : -1));
}
