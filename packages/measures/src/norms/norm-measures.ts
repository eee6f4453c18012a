import {
  type BatchProgress,
  type Data,
  type Examples,
  LONG_WORK_OPTIONS,
  type LongWork,
  type OutputKind,
  range,
  requireCounts,
  requireKnownOptions,
  squaredNorm,
  startWork,
} from '@qgen/core';
import { inSteps, spectralNorm } from '../spectrum/spectral-norm';
import { flatWeights } from '../subject/flat-weights';
import { openExamples } from '../subject/open-examples';
import { type OpenModel, openModel, type Parameter } from '../subject/open-model';
import type { OpenModelOptions } from '../subject/options';
import type { ModelLike } from '../subject/parameters';
import { initialWeights, requireSnapshot, type Snapshot } from '../subject/snapshot';
import { kernelSpectrum } from './kernel-spectrum';
import { margins, tenthPercentile } from './margin';
import { type LayerNorms, NORM_MEASURE_IDS, type NormMeasureId, normFormulas } from './norm-formulas';
import { pathNorm } from './path-norm';
import { asMatrix } from './weight-norms';

/** A measure as it is, and as the official code adjusts it: sqrt(raw / m), of a LOG_ measure (raw - ln m) / 2. */
export interface NormMeasure {
  readonly raw: number | null;
  readonly adjusted: number | null;
}

export interface NormMeasures {
  readonly measures: Readonly<Record<NormMeasureId, NormMeasure>>;
  readonly layers: readonly LayerNorms[];
  /**
   * The margin of the k-th worst example, k = floor(m / 10): larger is surer, negative where that one is misclassified.
   * NaN where an output is, and of a regression, which has none.
   */
  readonly margin: number;
  /** The number of training examples. */
  readonly m: number;
  readonly view: OpenModel['view'];
  readonly batchNorm: OpenModel['batchNorm'];
  readonly output: OutputKind;
  /** Why measures are null. */
  readonly warnings: readonly string[];
}

export interface NormMeasuresOptions extends Omit<OpenModelOptions, 'scope' | 'includeSteps'>, LongWork<BatchProgress> {
  /** The weights at initialization; without them the measures of distance are null. */
  readonly initial?: Snapshot;
  readonly batchSize?: number;
}

const OPTIONS = [
  ...LONG_WORK_OPTIONS,
  'view',
  'batchNorm',
  'output',
  'initial',
  'batchSize',
] as const satisfies readonly (keyof NormMeasuresOptions)[];

/**
 * The norm and margin measures of the official code of Dziugaite et al. 2020 (the equations of Jiang et al. 2019
 * are named in `norm-formulas.ts`), over the kernels, with batch normalization folded in: spectral norms of the kernel
 * reshaped to [out, rest], with `_FFT` of the layer as a circular convolution over images of the network's input size.
 * A smaller measure is better, as in the bounds that it comes from; a larger margin is better.
 *
 * A measure that can't be computed is null, and `warnings` say why. NaN logits make the margin NaN and its measures null.
 * A binary output counts as the logits of two classes. A regression has no margin, so measures over it are null.
 *
 * @throws RangeError if the model has no kernel, `initial` does not fit, or an option is unknown or out of range; the
 * data's and the model's errors; `signal.reason` when aborted
 */
export async function normMeasures(
  model: ModelLike,
  data: Data,
  options: NormMeasuresOptions = {},
): Promise<NormMeasures> {
  const caller = 'normMeasures';
  requireKnownOptions(caller, options, OPTIONS);
  const { initial, batchSize = 256 } = options;
  requireCounts(caller, { batchSize });
  if (initial !== undefined) requireSnapshot(initial, 'initial', caller);
  const work = startWork<BatchProgress>(options);
  const subject = openModel(model, { ...options, scope: 'all' }, caller, 'any');
  try {
    const examples = await openExamples(subject, data, caller);
    const inputShape = await shapeOfOne(examples);
    const kernels = subject.parameters.filter(({ role }) => role === 'kernel');
    if (kernels.length === 0)
      throw new RangeError(
        'normMeasures: the model has no kernel, so it has no norms; give one with a dense or convolution layer',
      );
    const total = Math.ceil(examples.size / batchSize) + kernels.length;
    let done = 0;
    const checkpoint = () => work.checkpoint(() => ({ done, total }));

    const warnings: string[] = [];
    const margin =
      subject.outputKind === 'regression'
        ? Number.NaN
        : tenthPercentile(
            await margins(
              subject,
              examples,
              { batchSize, checkpoint: () => checkpoint().finally(() => done++) },
              caller,
            ),
          );
    const w = await flatWeights(kernels);
    const w0 = initial && initialWeights({ ...subject, parameters: kernels }, initial, caller);
    if (!w0)
      warnings.push('no initial weights were given, so measures of distance are null; give initial, from snapshot');
    const layers: LayerNorms[] = [];
    let offset = 0;
    for (const kernel of kernels) {
      const start = offset;
      offset += kernel.centre.size;
      const values = w.subarray(start, start + kernel.centre.size);
      const difference = w0 && Float64Array.from(values, (value, i) => value - w0[start + i]);
      layers.push(await layerNorms(kernel, { inputShape, values, difference, checkpoint, warnings }));
      done++;
    }

    const raw = normFormulas({
      layers,
      count: w.length,
      margin,
      pathNorm: await pathNormOf(model, subject, { inputShape, warnings }),
    });
    const m = examples.size;
    const measures = Object.fromEntries(NORM_MEASURE_IDS.map((id) => [id, adjust(id, raw[id], m)]));
    if (!(Number.isFinite(margin) && margin !== 0))
      warnings.push(
        subject.outputKind === 'regression'
          ? 'a regression has no margin, so measures over the margin are null'
          : `the margin is ${margin}, so measures over the margin are null`,
      );
    return {
      measures: measures as NormMeasures['measures'],
      layers,
      margin,
      m,
      view: subject.view,
      batchNorm: subject.batchNorm,
      output: subject.output,
      warnings,
    };
  } finally {
    subject.close();
  }
}

function adjust(id: NormMeasureId, raw: number, m: number): NormMeasure {
  if (!Number.isFinite(raw)) return { raw: null, adjusted: null };
  return { raw, adjusted: id.startsWith('LOG_') ? (raw - Math.log(m)) / 2 : Math.sqrt(raw / m) };
}

interface KernelValues {
  readonly inputShape: readonly number[];
  readonly values: ArrayLike<number>;
  readonly difference: ArrayLike<number> | undefined;
  readonly checkpoint: () => Promise<void>;
  readonly warnings: string[];
}

async function layerNorms(
  kernel: Parameter,
  { inputShape, values, difference, checkpoint, warnings }: KernelValues,
): Promise<LayerNorms> {
  const convolved = kernelSpectrum(kernel, inputShape);
  const isMatrix = kernel.shape.length === 2;
  if (!convolved && !isMatrix)
    warnings.push(`${kernel.name} does not convolve inputs of shape [${inputShape}], so measures by FFT are null`);
  const spectral = async (of: ArrayLike<number>) => {
    return (await inSteps(spectralNorm(...asMatrix(of, kernel)), checkpoint)) ** 2;
  };
  const spectralFft = async (of: ArrayLike<number>, plain: number) => {
    if (!convolved) return isMatrix ? plain : null;
    return (await inSteps(convolved(of), checkpoint)) ** 2;
  };
  const own = await spectral(values);
  const distance = difference ? await spectral(difference) : null;
  return {
    name: kernel.name,
    frobenius: squaredNorm(values),
    spectral: own,
    spectralFft: await spectralFft(values, own),
    distanceFrobenius: difference ? squaredNorm(difference) : null,
    distanceSpectral: distance,
    distanceSpectralFft: difference && distance !== null ? await spectralFft(difference, distance) : null,
  };
}

async function pathNormOf(
  model: ModelLike,
  subject: OpenModel,
  { inputShape, warnings }: { readonly inputShape: readonly number[]; readonly warnings: string[] },
): Promise<number | null> {
  // Neither the affine of a normalization nor a bias that lies in its running mean is a weight on a path.
  const affine = subject.parameters.find(
    ({ name, variable }) => /(^|\/)(gamma|beta)$/.test(name) || /moving_/.test(variable.name),
  );
  if (!affine) {
    const found = await pathNorm(model, subject, inputShape);
    if ('value' in found) return found.value;
    warnings.push(`PATH_NORM is null: ${found.missing}`);
    return null;
  }
  const kind = affine.role === 'other' ? 'normalization' : 'batch normalization';
  warnings.push(`PATH_NORM is null: the ${kind} of ${affine.name} is not folded into a kernel`);
  return null;
}

async function shapeOfOne(examples: Examples): Promise<number[]> {
  const { xs } = await examples.batch(range(0, 1));
  xs.dispose();
  return xs.shape.slice(1);
}
