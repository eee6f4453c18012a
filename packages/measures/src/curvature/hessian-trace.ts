import {
  type BatchProgress,
  type Data,
  type LongWork,
  philoxBits,
  requireCounts,
  requirePositive,
  startCountedWork,
} from '@qgen/core';
import { mean } from '../evaluate';
import { dimensionOf } from '../flat-vector';
import { openExamples } from '../open-examples';
import type { ModelLike } from '../parameters';
import { asTrained, type MeasuredOn, measuredOn, openSubject, type SubjectOptions } from '../subject';
import { type CurvatureOptions, openCurvature, requireCurvatureOptions } from './curvature';

export interface HessianTraceOptions extends SubjectOptions, CurvatureOptions, LongWork<BatchProgress> {
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
  /** value -+ 1.96 standardError */
  readonly ci95: readonly [number, number];
  /** `'budget'`: the probes ran out before the interval was as narrow as asked. */
  readonly status: 'converged' | 'budget';
  readonly probes: number;
  readonly dimension: number;
  readonly examples: number;
}

/** Fewer probes give no standard error to trust. */
const LEAST = 10;

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
  const subject = openSubject(model, asTrained(options), caller, 'any');
  try {
    const examples = await openExamples(subject, data, caller);
    const dimension = dimensionOf(subject);
    const work = startCountedWork(options, maxProbes * Math.ceil(examples.size / (options.batchSize ?? 128)));
    const curvature = await openCurvature(subject, examples, { ...options, work }, caller);

    const forms: number[] = [];
    let value = Number.NaN;
    let standardError = Number.NaN;
    let converged = false;
    while (forms.length < maxProbes && !converged) {
      forms.push(await curvature.form(randomSigns(dimension, { seed, stream: forms.length })));
      value = mean(forms);
      const variance = forms.reduce((sum, form) => sum + (form - value) ** 2, 0) / (forms.length - 1);
      standardError = Math.sqrt(variance / forms.length);
      converged = forms.length >= LEAST && 1.96 * standardError <= relativeTolerance * Math.abs(value);
    }
    return {
      quantity: curvature.quantity,
      value,
      standardError,
      ci95: [value - 1.96 * standardError, value + 1.96 * standardError],
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
