import { type Batch, type Examples, type RunningWork, range } from '@qgen/core';
import { registerKernels } from '@qgen/kernels/register';
import * as tf from '@tensorflow/tfjs-core';
import { type Displacement, displace, normOf } from '../displace';
import { toDisplacement, toFlat } from '../flat-vector';
import { lossGradient } from '../gradient';
import type { Subject } from '../subject';
import { exactHessianProduct } from './exact-hessian';
import { gaussNewtonForm, gaussNewtonProduct } from './gauss-newton';
import { secondOrderEnabled } from './second-order';

/** Which curvature of the mean loss is meant. */
export interface CurvatureOptions {
  /**
   * `'gaussNewton'` (default) the Gauss-Newton matrix, which is the Hessian of a net that is linear between kinks but for
   * the terms that cross layers; it is never negative and needs no second derivatives.
   * `'exact'` the Hessian at the point; needs `enableSecondOrder`.
   * `'smoothed'` differences of gradients at `radius` around the point, which on a net with kinks do not converge to
   * the Hessian as the radius shrinks: smoothed curvature at that radius, a measure of its own.
   */
  readonly curvature?: 'gaussNewton' | 'exact' | 'smoothed';
  /** For `'smoothed'`: the distance |u| at which the gradient is taken on either side. */
  readonly radius?: number;
  readonly batchSize?: number;
}

/** The curvature of the mean loss over examples, as something to multiply with. */
export interface Curvature {
  /** What the numbers are of, for print. */
  readonly quantity: string;
  /** C v */
  product(v: Float64Array): Promise<Float64Array>;
  /** v^T C v */
  form(v: Float64Array): Promise<number>;
}

/** The step of the forward differences in J v, as a share of |w|: rounding and kinks cost about 1e-4 each here. */
const STEP = 5e-5;

export async function openCurvature(
  subject: Subject,
  examples: Examples,
  {
    curvature = 'gaussNewton',
    radius,
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

  if (curvature === 'gaussNewton') {
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
      ? exact(subject, size, summed, caller)
      : smoothed(async (v, r) => finite(await bothSides(v, r)), radius, caller);
  return { quantity, product, form: async (v) => dot(v, await product(v)) };
}

type Summed = (v: Float64Array, product: (batch: Batch, v: Displacement) => tf.Tensor[]) => Promise<Float64Array>;

function exact(subject: Subject, size: number, summed: Summed, caller: string) {
  if (!secondOrderEnabled())
    throw new TypeError(
      `${caller}: curvature 'exact' needs second derivatives, which tfjs has wrong; call enableSecondOrder() first`,
    );
  return {
    quantity: 'Hessian',
    product: (v: Float64Array) =>
      summed(v, (batch, direction) => exactHessianProduct(subject, batch, { v: direction, size })),
  };
}

function smoothed(
  bothSides: (v: Float64Array, distance: number) => Promise<Float64Array>,
  radius: number | undefined,
  caller: string,
) {
  if (!(radius !== undefined && radius > 0 && Number.isFinite(radius)))
    throw new RangeError(`${caller}: curvature 'smoothed' needs a radius above 0, got ${radius}`);
  return {
    quantity: `smoothed curvature at radius ${radius}`,
    product: (v: Float64Array) => bothSides(v, radius / length(v)),
  };
}

function displaceBy(subject: Subject, v: Float64Array, scale: number): void {
  tf.tidy(() => displace(subject, [toDisplacement(subject, v)], [scale]));
}

const length = (v: Float64Array): number => Math.sqrt(dot(v, v));

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
