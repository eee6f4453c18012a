import { displayed, mean, numberColumn, type Sheet } from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type QuantizedWeight, quantizedWeights } from '../model/quantized-weights';
import { requireModel } from '../model/require-model';
import { STEP_RANGE } from '../quantizer/step-size';

/** The quantization noise Δ = w - ŵ of one kernel, beside what QGen takes it to be: uniform on (-δ/2, δ/2). */
export interface KernelNoise {
  readonly layer: string;
  readonly name: string;
  readonly bits: number;
  /** δ, the step size; of a kernel with several steps their mean. */
  readonly binWidth: number;
  /** Share of the elements outside [qn s, qp s], where Δ may be larger than half a bin. */
  readonly clippedShare: number;
  /** Mean of Δ and of Δ² over all elements, and δ²/12, the variance of uniform noise. */
  readonly mean: number;
  readonly meanSquare: number;
  readonly uniformVariance: number;
  /** Largest |Δ| / δ among the elements that are not clipped: at most 1/2. */
  readonly largestResidual: number;
  /** Kolmogorov-Smirnov distance of Δ/δ among those to the uniform distribution on (-1/2, 1/2): 0 fits, 1 does not. */
  readonly uniformDistance: number;
}

/**
 * Measures, kernel by kernel, whether quantization noise is the uniform noise that QGen's derivation assumes (section 3:
 * Δ independent of w, of mean 0 and variance δ²/12). At 2 bits clipping alone breaks it.
 *
 * @throws RangeError if the model has no quantized kernels, TypeError if it is no LayersModel
 */
export async function quantizationNoise(model: LayersModel): Promise<KernelNoise[]> {
  return displayed(await Promise.all(weightsOf('quantizationNoise', model).map(kernelNoise)), noiseSheet);
}

function noiseSheet(kernels: readonly KernelNoise[]): Sheet {
  return [
    {
      columns: [
        { title: 'kernel' },
        ...['bits', 'δ', 'mean square', 'δ²/12', 'clipped', 'distance to uniform'].map(numberColumn),
      ],
      rows: kernels.map(({ name, bits, binWidth, meanSquare, uniformVariance, clippedShare, uniformDistance }) => [
        name,
        `${bits}`,
        binWidth.toPrecision(4),
        meanSquare.toExponential(2),
        uniformVariance.toExponential(2),
        `${(100 * clippedShare).toFixed(1)} %`,
        uniformDistance.toFixed(3),
      ]),
    },
    'Where the noise is uniform, mean square = δ²/12 and the distance is near 0.',
  ];
}

/** 4 |w|² / δ² of a model and of each of its kernels. */
export interface GapBound {
  readonly argument: number;
  readonly kernels: readonly {
    readonly layer: string;
    readonly name: string;
    /** |w|₂ of the latent kernel. */
    readonly norm: number;
    readonly binWidth: number;
    readonly argument: number;
  }[];
}

/**
 * The argument of QGen's bound on the generalization gap: for ρ = δ/2 the gap is at most h(4 |w|² / δ²) with an h that
 * is known to increase and no more, so the argument alone is reported. The smaller, the tighter the bound.
 *
 * Steps differ between kernels (and channels), so each counts by its own: Σ 4 |w_k|² / δ_k².
 *
 * @throws RangeError if the model has no quantized kernels, TypeError if it is no LayersModel
 */
export async function gapBoundArgument(model: LayersModel): Promise<GapBound> {
  const kernels = await Promise.all(
    weightsOf('gapBoundArgument', model).map(async (weight) => {
      const { latent, steps, stepAt } = await valuesOf(weight);
      let [squares, argument] = [0, 0];
      latent.forEach((w, i) => {
        squares += w * w;
        argument += (4 * w * w) / steps[stepAt(i)] ** 2;
      });
      return { layer: weight.layer, name: weight.name, norm: Math.sqrt(squares), binWidth: mean(steps), argument };
    }),
  );
  return { argument: kernels.reduce((sum, kernel) => sum + kernel.argument, 0), kernels };
}

async function kernelNoise(weight: QuantizedWeight): Promise<KernelNoise> {
  const { layer, name, bits, qn, qp } = weight;
  const { latent, steps, stepAt } = await valuesOf(weight);
  const dequantized = await take(weight.dequantized());
  const residuals: number[] = [];
  let [sum, squares, uniform] = [0, 0, 0];
  latent.forEach((w, i) => {
    const step = steps[stepAt(i)];
    const delta = w - dequantized[i];
    sum += delta;
    squares += delta * delta;
    uniform += step ** 2 / 12;
    const z = w / step;
    if (z >= qn && z <= qp) residuals.push(delta / step);
  });
  const count = latent.length;
  return {
    layer,
    name,
    bits,
    binWidth: mean(steps),
    clippedShare: 1 - residuals.length / count,
    mean: sum / count,
    meanSquare: squares / count,
    uniformVariance: uniform / count,
    largestResidual: residuals.reduce((largest, residual) => Math.max(largest, Math.abs(residual)), 0),
    uniformDistance: distanceToUniform(residuals),
  };
}

/** sup |F(r) - (r + 1/2)| over the empirical distribution F; 1 for no residuals at all. */
function distanceToUniform(residuals: readonly number[]): number {
  const sorted = Float64Array.from(residuals).sort();
  if (sorted.length === 0) return 1;
  return sorted.reduce((largest, residual, i) => {
    const expected = Math.min(Math.max(residual + 0.5, 0), 1);
    return Math.max(largest, expected - i / sorted.length, (i + 1) / sorted.length - expected);
  }, 0);
}

function weightsOf(name: string, model: LayersModel): QuantizedWeight[] {
  requireModel(name, model);
  const weights = quantizedWeights(model);
  if (weights.length === 0)
    throw new RangeError(`${name}: the model has no quantized kernels; pass it to quantizeModel first`);
  return weights;
}

async function valuesOf({ latent, step, viewShape, axis }: QuantizedWeight) {
  const raw = (await step.data()) as Float32Array;
  const steps = Float64Array.from(raw, (value) => Math.max(Math.abs(value), Math.fround(STEP_RANGE.smallest)));
  const inner = axis === null ? 1 : viewShape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const stepAt = (i: number) => (axis === null ? 0 : Math.floor(i / inner) % viewShape[axis]);
  return { latent: (await latent.data()) as Float32Array, steps, stepAt };
}

async function take(tensor: tf.Tensor): Promise<Float32Array> {
  const values = (await tensor.data()) as Float32Array;
  tensor.dispose();
  return values;
}
