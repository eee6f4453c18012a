import {
  type BatchProgress,
  type Data,
  type LongWork,
  type MeanInterval,
  meanInterval,
  philoxBits,
  requireCounts,
  requirePositive,
  startCountedWork,
} from '@qgen/core';
import { dimensionOf } from '../perturbation/flatten';
import { openExamples } from '../subject/open-examples';
import { asTrained, type MeasuredOn, measuredOn, type OpenModelOptions, openModel } from '../subject/open-model';
import type { ModelLike } from '../subject/parameters';
import { type CurvatureOptions, openCurvature, requireCurvatureOptions } from './curvature';

export interface HessianTraceOptions extends OpenModelOptions, CurvatureOptions, LongWork<BatchProgress> {
  /** The most random vectors. */
  readonly maxProbes?: number;
  /** Stops, after ten probes, when 1.96 standard errors are below this share of the trace. */
  readonly relativeTolerance?: number;
  readonly seed?: number;
}

export interface HessianTrace extends MeasuredOn {
  /** What it is the trace of: 'Hessian', 'Gauss-Newton' or 'smoothed curvature at radius …'. */
  readonly quantity: string;
  /** Larger is sharper. */
  readonly value: number;
  readonly standardError: number;
  /** Student's 95 % interval over the probes. It holds what other probes would give, not other trainings. */
  readonly ci95: readonly [number, number];
  /** `'budget'`: the probes ran out before the interval was as narrow as asked. */
  readonly status: 'converged' | 'budget';
  readonly probes: number;
  readonly dimension: number;
  readonly examples: number;
}

/** Fewer probes give no standard error to trust. */
const LEAST = 10;
/** Whether to stop is asked each time that there are half as many probes again: to ask after each favours chance lows. */
const LOOKS = 1.5;

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
    const look = async (count: number): Promise<MeanInterval> => {
      while (forms.length < count)
        forms.push(await curvature.form(randomSigns(dimension, { seed, stream: forms.length })));
      return meanInterval(forms);
    };
    const narrow = ({ mean, halfWidth }: MeanInterval) => halfWidth <= relativeTolerance * Math.abs(mean);
    let found = await look(Math.min(LEAST, maxProbes));
    while (!narrow(found) && forms.length < maxProbes)
      found = await look(Math.min(Math.ceil(LOOKS * forms.length), maxProbes));
    const { mean: value, standardError, halfWidth } = found;
    const converged = forms.length >= LEAST && narrow(found);
    return {
      quantity: curvature.quantity,
      value,
      standardError,
      ci95: [value - halfWidth, value + halfWidth],
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
