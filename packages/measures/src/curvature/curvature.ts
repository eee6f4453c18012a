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
import type { OpenModel } from '../subject/open-model';
import { SUBJECT_OPTIONS } from '../subject/options';
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

/** Opens the curvature that the options choose. `caller` is the function that was called, for messages. */
export async function openCurvature(
  subject: OpenModel,
  examples: Examples,
  { curvature = 'exact', radius = Number.NaN, batchSize = 128, work }: CurvatureOptions & { readonly work: Work },
  caller: string,
): Promise<Curvature> {
  await registerKernels();
  const pass: Pass = { subject, examples, batchSize, work, caller };
  if (curvature === 'gauss-newton') return openGaussNewton(pass);
  const { quantity, product } = curvature === 'exact' ? openHessian(pass) : openSmoothed(pass, radius);
  return { quantity, product, form: async (v) => dot(v, await product(v)) };
}

type Work = RunningWork<unknown>;

/** The arguments of every pass over the examples. */
interface Pass {
  readonly subject: OpenModel;
  readonly examples: Examples;
  readonly batchSize: number;
  readonly work: Work;
  readonly caller: string;
}

function openHessian(pass: Pass): Pick<Curvature, 'quantity' | 'product'> {
  const { subject, caller } = pass;
  const { size } = pass.examples;
  return {
    quantity: 'Hessian',
    product: (v) =>
      summed(pass, v, (batch, direction) => exactHessianProduct(subject, batch, { v: direction, size, caller })),
  };
}

function openSmoothed(pass: Pass, radius: number): Pick<Curvature, 'quantity' | 'product'> {
  const { subject, examples, caller } = pass;
  return {
    quantity: `smoothed curvature at radius ${radius}`,
    async product(v) {
      const distance = radius / length(v);
      const gradientAt = async (step: number) => {
        displaceBy(subject, v, step);
        return toFlat((await lossGradient(subject, examples, pass, caller)).gradients);
      };
      const ahead = await gradientAt(distance);
      const behind = await gradientAt(-distance);
      subject.recentre();
      const difference = ahead.map((value, i) => (value - behind[i]) / (2 * distance));
      return requireFinite(difference, caller);
    },
  };
}

async function openGaussNewton(pass: Pass): Promise<Curvature> {
  const { subject, caller } = pass;
  const { size } = pass.examples;
  if (subject.stepped)
    throw new RangeError(
      `${caller}: curvature 'gauss-newton' takes differences of outputs, but the outputs of quantizers change only in steps; measure view 'dequantized' of a model without quantized activations, or curvature 'exact', which goes straight through quantizers`,
    );
  const step = STEP * (await normOf(subject.parameters.map(({ centre }) => centre)));
  const along = (v: Float64Array, direction: Displacement) => {
    const h = (step || STEP) / length(v);
    return { v: direction, size, h, caller };
  };
  return {
    quantity: 'Gauss-Newton',
    product: (v) => summed(pass, v, (batch, direction) => gaussNewtonProduct(subject, batch, along(v, direction))),
    async form(v) {
      let total = 0;
      await overBatches(
        pass,
        v,
        (batch, direction) => gaussNewtonForm(subject, batch, along(v, direction)),
        async (part) => {
          total += (await part.data().finally(() => part.dispose()))[0];
        },
      );
      requireFinite(Float64Array.of(total), caller);
      return total;
    },
  };
}

/** The sum over all batches of what `product` gives for each. */
async function summed(
  pass: Pass,
  v: Float64Array,
  product: (batch: Batch, direction: Displacement) => tf.Tensor[],
): Promise<Float64Array> {
  const total = new Float64Array(v.length);
  await overBatches(pass, v, product, async (part) => {
    for (const [i, value] of (await toFlat(part)).entries()) total[i] += value;
  });
  return requireFinite(total, pass.caller);
}

/** Adds what `onBatch` gives for every batch, with v in the form of the parameters. */
async function overBatches<T>(
  { subject, examples, batchSize, work }: Pass,
  v: Float64Array,
  onBatch: (batch: Batch, direction: Displacement) => T,
  add: (part: T) => Promise<void>,
): Promise<void> {
  const direction = toDisplacement(subject, v);
  try {
    for (let start = 0; start < examples.size; start += batchSize) {
      await work.checkpoint();
      const batch = await examples.batch(range(start, Math.min(examples.size, start + batchSize)));
      try {
        await add(onBatch(batch, direction));
      } finally {
        batch.xs.dispose();
      }
    }
  } finally {
    tf.dispose(direction);
  }
}

function requireFinite(values: Float64Array, caller: string): Float64Array {
  if (values.every(Number.isFinite)) return values;
  throw new RangeError(`${caller}: the curvature is not finite; the model returns NaN or infinities near its weights`);
}

function displaceBy(subject: OpenModel, v: Float64Array, scale: number): void {
  tf.tidy(() => displace(subject, [toDisplacement(subject, v)], [scale]));
}

const length = (v: Float64Array): number => Math.sqrt(dot(v, v));

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
