import {
  type BatchProgress,
  LONG_WORK_OPTIONS,
  type LongWork,
  requireKnownOptions,
  squaredNorm,
  startWork,
  sumOf,
} from '@qgen/core';
import { inSteps, spectralNorm } from '../spectrum/spectral-norm';
import { flatWeights } from '../subject/flat-weights';
import { type OpenModel, openModel, type Parameter } from '../subject/open-model';
import { type OpenModelOptions, SUBJECT_OPTIONS } from '../subject/options';
import type { ModelLike, ParameterRole } from '../subject/parameters';
import { requireFiniteWeights } from '../subject/require-finite-weights';
import { initialWeights, requireSnapshot, type Snapshot } from '../subject/snapshot';

/** Norms of one parameter, or of all in scope together. */
export interface Norms {
  readonly count: number;
  /** |w|, the Frobenius norm of a kernel. */
  readonly l2: number;
  /** |w| / sqrt(count). */
  readonly rms: number;
  /** max |w_i|. */
  readonly linf: number;
  /** Share of entries that are exactly 0. */
  readonly zeroFraction: number;
  /** |w - w0|, null without a snapshot. */
  readonly distance: number | null;
}

export interface ParameterNorms extends Norms {
  readonly name: string;
  readonly role: ParameterRole;
  readonly shape: readonly number[];
  /** Largest singular value of the kernel as an [in, filters] matrix; of a vector its l2. */
  readonly spectral: number;
}

export interface WeightNorms {
  readonly view: OpenModel['view'];
  readonly scope: OpenModel['scope'];
  readonly batchNorm: OpenModel['batchNorm'];
  /** `total.l2` is the number of QGen's table of weight magnitudes. */
  readonly total: Norms;
  readonly parameters: readonly ParameterNorms[];
}

/** Progress counts parameters. */
export interface WeightNormsOptions extends Omit<OpenModelOptions, 'output'>, LongWork<BatchProgress> {
  /** The weights at initialization; without them distances are null. */
  readonly initial?: Snapshot;
}

const OPTIONS = [...SUBJECT_OPTIONS.filter((name) => name !== 'output'), ...LONG_WORK_OPTIONS, 'initial'];

/**
 * Magnitudes of the weights, of each parameter in scope and of all together, summed in float64. By default: kernels, with
 * batch normalization folded in, quantized ones as they are after quantization. Small norms and distances make small
 * measures of `measureFlatness` and `normMeasures`; by themselves they are neither good nor bad. Spectral norms take most
 * of the time: seconds for a kernel of 4096 x 4096, with turns of the event loop between.
 *
 * @throws RangeError if nothing is in scope, `initial` does not fit, a weight is NaN or infinite, or for an unknown option;
 * TypeError for what is no model; `signal.reason` when aborted
 */
export async function weightNorms(model: ModelLike, options: WeightNormsOptions = {}): Promise<WeightNorms> {
  const caller = 'weightNorms';
  requireKnownOptions(caller, options, OPTIONS);
  const { initial } = options;
  if (initial !== undefined) requireSnapshot(initial, 'initial', caller);
  const subject = openModel(model, options, caller, 'weights');
  try {
    await requireFiniteWeights(subject, caller);
    const w = await flatWeights(subject.parameters);
    const w0 = initial && initialWeights(subject, initial, caller);
    const work = startWork<BatchProgress>(options);
    const total = subject.parameters.length;
    let offset = 0;
    const parameters: ParameterNorms[] = [];
    for (const parameter of subject.parameters) {
      const { name, role, shape, centre } = parameter;
      const part = w.subarray(offset, offset + centre.size);
      const part0 = w0?.subarray(offset, offset + centre.size);
      offset += centre.size;
      const checkpoint = () => work.checkpoint(() => ({ done: parameters.length, total }));
      await checkpoint();
      const spectral = await inSteps(spectralNorm(...asMatrix(part, parameter)), checkpoint);
      await checkpoint();
      parameters.push({ name, role, shape, ...norms(part, part0), spectral });
    }
    await work.checkpoint();
    work.report({ done: total, total });
    const { view, scope, batchNorm } = subject;
    return { view, scope, batchNorm, total: norms(w, w0), parameters };
  } finally {
    subject.close();
  }
}

function norms(w: Float32Array, w0: Float32Array | undefined): Norms {
  const l2 = Math.sqrt(squaredNorm(w));
  let linf = 0;
  let zeros = 0;
  for (const value of w) {
    if (value === 0) zeros++;
    else linf = Math.max(linf, Math.abs(value));
  }
  return {
    count: w.length,
    l2,
    rms: l2 / Math.sqrt(w.length),
    linf,
    zeroFraction: zeros / w.length,
    distance: w0 ? Math.sqrt(sumOf(w.length, (i) => (w[i] - w0[i]) ** 2)) : null,
  };
}

/** The entries of a parameter as a row-major [rest, filters] matrix. */
export function asMatrix(
  values: ArrayLike<number>,
  { shape, filterAxes }: Pick<Parameter, 'shape' | 'filterAxes'>,
): [ArrayLike<number>, [number, number]] {
  const sizes = (axes: readonly number[]) => axes.reduce((product, axis) => product * shape[axis], 1);
  const rest = shape.map((_, axis) => axis).filter((axis) => !filterAxes.includes(axis));
  const [rows, columns] = [sizes(rest), sizes(filterAxes)];
  // Filters on the last axes: the memory is the matrix already.
  if (filterAxes.every((axis, i) => axis === shape.length - filterAxes.length + i)) return [values, [rows, columns]];
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const matrix = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const index = (axes: readonly number[]) =>
      axes.reduce((at, axis) => at * shape[axis] + (Math.floor(i / strides[axis]) % shape[axis]), 0);
    matrix[index(rest) * columns + index(filterAxes)] = values[i];
  }
  return [matrix, [rows, columns]];
}
