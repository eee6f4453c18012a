import {
  type Batch,
  type Examples,
  LONG_WORK_OPTIONS,
  type RunningWork,
  range,
  requireCounts,
  requireKnownOptions,
  requireOneOf,
  requireSeed,
} from '@qgen/core';
import { registerKernels } from '@qgen/kernels/register';
import * as tf from '@tensorflow/tfjs-core';
import { type Displacement, displace, normOf } from '../perturbation/displacement';
import { toDisplacement, toFlat } from '../perturbation/flatten';
import { lossGradient } from '../subject/gradient';
import { type OpenModel, SUBJECT_OPTIONS } from '../subject/open-model';
import { exactHessianProduct } from './exact-hessian';
import { gaussNewtonForm, gaussNewtonProduct } from './gauss-newton';

/** Which curvature of the mean loss is meant. */
export interface CurvatureOptions {
  /**
   * `'exact'` (default) the Hessian at the point; at a kink of a piecewise linear net that of the side that the point
   * lies on, and straight through quantizers, as in training. Its second derivatives are those of `enableSecondOrder`,
   * which need not be called.
   * `'gauss-newton'` the Gauss-Newton matrix, the Hessian less the terms that vanish where the loss is fitted: never
   * negative. Its top eigenvalue lay within 0.2 % of the Hessian's on trained nets, 24 % below it at initialization.
   * `'smoothed'` differences of gradients at `radius` around the point, which on a net with kinks do not converge to
   * the Hessian as the radius shrinks: smoothed curvature at that radius, a measure of its own.
   */
  readonly curvature?: 'exact' | 'gauss-newton' | 'smoothed';
  /** For `'smoothed'`: the distance |u| at which the gradient is taken on either side. */
  readonly radius?: number;
  readonly batchSize?: number;
}

const KINDS = ['exact', 'gauss-newton', 'smoothed'] as const;

/** The options that all functions of the curvature take. */
const OPTIONS = [...SUBJECT_OPTIONS, ...LONG_WORK_OPTIONS, 'curvature', 'batchSize', 'seed'] as const;

/** Refuses options that `caller` doesn't take beside those of the curvature, and a curvature or radius that is none. */
export function requireCurvatureOptions(
  caller: string,
  options: CurvatureOptions & { readonly seed?: number },
  own: readonly string[],
): void {
  const smoothed = options?.curvature === 'smoothed';
  const known = [...OPTIONS, ...own, ...(smoothed ? ['radius'] : [])];
  requireKnownOptions(caller, options, known, smoothed ? {} : { radius: "curvature: 'smoothed'" });
  requireOneOf(caller, 'curvature', options.curvature ?? 'exact', KINDS);
  requireCounts(caller, { batchSize: options.batchSize });
  requireSeed(caller, options.seed ?? 0);
  const { radius = Number.NaN } = options;
  if (smoothed && !(radius > 0 && Number.isFinite(radius)))
    throw new RangeError(`${caller}: curvature 'smoothed' needs a radius above 0, got ${options.radius}`);
}

/** The curvature of the mean loss over examples, as something to multiply with. */
export interface Curvature {
  /** The name of the matrix, for print. */
  readonly quantity: string;
  /** C v */
  product(v: Float64Array): Promise<Float64Array>;
  /** v^T C v */
  form(v: Float64Array): Promise<number>;
}

/** The step of the central differences in J v, as a share of |w|: rounding and kinks cost about 1e-4 each here. */
const STEP = 5e-5;

export async function openCurvature(
  subject: OpenModel,
  examples: Examples,
  {
    curvature = 'exact',
    radius = Number.NaN,
    batchSize = 128,
    work,
  }: CurvatureOptions & { readonly work: RunningWork<unknown> },
  caller: string,
): Promise<Curvature> {
  await registerKernels();
  const evaluation = { batchSize, work };
  const finite = (values: Float64Array): Float64Array => {
    if (values.every(Number.isFinite)) return values;
    throw new RangeError(
      `${caller}: the curvature is not finite; the model returns NaN or infinities near its weights`,
    );
  };
  const bothSides = async (v: Float64Array, distance: number): Promise<Float64Array> => {
    const sides: Float64Array[] = [];
    for (const sign of [1, -1]) {
      displaceBy(subject, v, sign * distance);
      sides.push(await toFlat((await lossGradient(subject, examples, evaluation, caller)).gradients));
    }
    subject.recentre();
    return sides[0]!.map((value, i) => (value - sides[1]![i]!) / (2 * distance));
  };
  const overBatches = async <T>(onBatch: (batch: Batch) => T, add: (part: T) => Promise<void>): Promise<void> => {
    for (let start = 0; start < examples.size; start += batchSize) {
      await work.checkpoint();
      const batch = await examples.batch(range(start, Math.min(examples.size, start + batchSize)));
      try {
        await add(onBatch(batch));
      } finally {
        batch.xs.dispose();
      }
    }
  };
  const summed = async (v: Float64Array, product: (batch: Batch, v: Displacement) => tf.Tensor[]) => {
    const total = new Float64Array(v.length);
    const direction = toDisplacement(subject, v);
    await overBatches(
      (batch) => product(batch, direction),
      async (part) => {
        for (const [i, value] of (await toFlat(part)).entries()) total[i]! += value;
      },
    ).finally(() => tf.dispose(direction));
    return finite(total);
  };
  const { size } = examples;

  if (curvature === 'gauss-newton') {
    if (subject.stepped)
      throw new RangeError(
        `${caller}: curvature 'gauss-newton' takes differences of outputs, but the outputs of quantizers change only in steps; measure view 'dequantized' of a model without quantized activations, or curvature 'exact', which goes straight through quantizers`,
      );
    const step = STEP * (await normOf(subject.parameters.map(({ centre }) => centre)));
    const h = (v: Float64Array) => (step || STEP) / length(v);
    return {
      quantity: 'Gauss-Newton',
      product: (v) =>
        summed(v, (batch, direction) => gaussNewtonProduct(subject, batch, { v: direction, size, h: h(v) })),
      form: async (v) => {
        let total = 0;
        const direction = toDisplacement(subject, v);
        await overBatches(
          (batch) => gaussNewtonForm(subject, batch, { v: direction, size, h: h(v) }),
          async (part) => {
            total += (await part.data().finally(() => part.dispose()))[0]!;
          },
        ).finally(() => tf.dispose(direction));
        return finite(Float64Array.of(total))[0]!;
      },
    };
  }
  const { quantity, product } =
    curvature === 'exact'
      ? {
          quantity: 'Hessian',
          product: (v: Float64Array) =>
            summed(v, (batch, direction) => exactHessianProduct(subject, batch, { v: direction, size })),
        }
      : {
          quantity: `smoothed curvature at radius ${radius}`,
          product: async (v: Float64Array) => finite(await bothSides(v, radius / length(v))),
        };
  return { quantity, product, form: async (v) => dot(v, await product(v)) };
}

function displaceBy(subject: OpenModel, v: Float64Array, scale: number): void {
  tf.tidy(() => displace(subject, [toDisplacement(subject, v)], [scale]));
}

const length = (v: Float64Array): number => Math.sqrt(dot(v, v));

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
