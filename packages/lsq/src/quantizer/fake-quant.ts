import { shown } from '@qgen/core';
import { type FakeQuantAttributes, runFakeQuant, runFakeQuantBackward } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { checkGradientScale, type GradientScale, gradientFactor, l1Scale } from './gradient-scale';
import { checkGrid, checkOptions, codeRange, type GridOptions, QUANTIZER_OPTIONS } from './grid';

/** How a tensor is quantized. */
export interface FakeQuantOptions extends GridOptions {
  /** The axis whose slices have a step each; null, the default, gives the whole tensor one step. */
  readonly axis?: number | null;
  /** Whether an element exactly on a clipping edge is clipped ('strict', as in the LSQ paper) or not ('inclusive', autograd). */
  readonly boundary?: 'strict' | 'inclusive';
  /** The factor of the step's gradient. Default 'lsq'. */
  readonly gradientScale?: GradientScale;
  /** Multiplies it once more: under SGD and momentum the same as another learning rate for the step. Default 1. */
  readonly stepLearningRateMultiplier?: number;
}

/**
 * Quantizes `x` to the integers of a grid and back (Esser et al., "Learned Step Size Quantization", ICLR 2020):
 *
 *     z = x / s    q = roundHalfToEven(clip(z, qn, qp))    x̂ = q s                                  (equations 1, 2)
 *     dx = dy [qn < z < qp]                                                                          (equation 5)
 *     ds = g Σ dy t,   t = q - z where qn < z < qp, else q (which is qn or qp there)                 (equation 3)
 *
 * with s = max(|step|, 1e-8), and the sign of `step` carried into its gradient. `x` is float32 of any shape, `step` a
 * scalar, or with an `axis` of x's rank with every other dimension 1. A NaN stays NaN, an infinity takes the outermost
 * code, an empty tensor stays empty, a zero tensor stays zero.
 *
 * @throws RangeError if bits, axis, boundary, gradientScale, stepLearningRateMultiplier or the shape of `step` don't fit,
 * or an option is unknown
 * @throws TypeError if `x` or `step` is no float32 tensor
 */
export function fakeQuant(x: tf.Tensor, step: tf.Tensor, options: FakeQuantOptions): tf.Tensor {
  const quantizer = resolve('fakeQuant', x, step, options);
  return tf.customGrad((...inputs: (tf.Tensor | Save)[]) => {
    const [x, step, save] = inputs as [tf.Tensor, tf.Tensor, Save];
    save([x, step]);
    return {
      value: runFakeQuant(x, step, attributesOf(quantizer)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const { dx, dStep } = gradients(dy, saved[0], saved[1], quantizer);
        return [dx, dStep];
      },
    };
  })(x, step);
}

/**
 * LSQ+ (Bhalgat et al., CVPR Workshops 2020, equations 1 to 3): fake quantization of activations around an offset β,
 *
 *     z = (x - β) / s    x̂ = q s + β    dβ = Σ dy where z is clipped
 *
 * with dx and ds as in `fakeQuant` and no gradient scale on β. `offset` has the shape of `step`.
 *
 * @throws RangeError, TypeError as `fakeQuant`, and if `offset` has another shape than `step` or is no float32 tensor
 */
export function fakeQuantWithOffset(
  x: tf.Tensor,
  step: tf.Tensor,
  offset: tf.Tensor,
  options: FakeQuantOptions,
): tf.Tensor {
  const quantizer = resolve('fakeQuantWithOffset', x, step, options);
  checkFloat('fakeQuantWithOffset', 'offset', offset);
  if (!tf.util.arraysEqual(offset.shape, step.shape))
    throw new RangeError(
      `fakeQuantWithOffset: offset must have the shape of step, got [${offset.shape}] and [${step.shape}]`,
    );
  return tf.customGrad((...inputs: (tf.Tensor | Save)[]) => {
    const [x, step, offset, save] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, Save];
    const shifted = tf.sub(x, offset);
    save([shifted, step]);
    return {
      value: tf.add(runFakeQuant(shifted, step, attributesOf(quantizer)), offset),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const { dx, dStep } = gradients(dy, saved[0], saved[1], quantizer);
        const others = dy.shape.map((_, dimension) => dimension).filter((dimension) => dimension !== quantizer.axis);
        const dOffset = tf.reshape(tf.sum(tf.sub(dy, dx), others), step.shape);
        return [dx, dStep, dOffset];
      },
    };
  })(x, step, offset);
}

/**
 * The integer codes q of `fakeQuant`, int32 in qn..qp and of x's shape, so that x̂ = q max(|step|, 1e-8). A NaN has no
 * code: what it gives depends on the backend.
 *
 * @throws RangeError, TypeError as `fakeQuant`
 */
export function integerCodes(x: tf.Tensor, step: tf.Tensor, options: FakeQuantOptions): tf.Tensor {
  const quantizer = resolve('integerCodes', x, step, options);
  return tf.tidy(() => {
    const effective = tf.maximum(tf.abs(quantizer.axis === null ? tf.reshape(step, []) : step), 1e-8);
    // From x̂, within a rounding error of q s, so that codes and values belong together on every backend.
    return tf.cast(tf.round(tf.div(runFakeQuant(x, step, attributesOf(quantizer)), effective)), 'int32');
  });
}

type Save = (tensors: tf.Tensor[]) => void;

interface Quantizer {
  readonly qn: number;
  readonly qp: number;
  readonly axis: number | null;
  readonly boundary: 'strict' | 'inclusive';
  readonly scale: GradientScale;
  readonly stepLearningRateMultiplier: number;
}

/** The part of a quantizer that the kernels need. */
const attributesOf = ({ qn, qp, axis, boundary }: Quantizer): FakeQuantAttributes => ({ qn, qp, axis, boundary });

function gradients(dy: tf.Tensor, x: tf.Tensor, step: tf.Tensor, quantizer: Quantizer) {
  const { scale, axis, qp } = quantizer;
  const gradientScale = gradientFactor(scale, x.shape, axis, qp) * quantizer.stepLearningRateMultiplier;
  const { dx, dStep } = runFakeQuantBackward(dy, x, step, { ...attributesOf(quantizer), gradientScale });
  return { dx, dStep: scale === 'l1' ? tf.mul(dStep, l1Scale(x, step.shape, axis, qp)) : dStep };
}

/** The one check of what a call gives: the kernels are run without theirs. */
function resolve(name: string, x: tf.Tensor, step: tf.Tensor, options: FakeQuantOptions): Quantizer {
  checkOptions(name, options, QUANTIZER_OPTIONS);
  const { axis = null, boundary = 'strict', gradientScale = 'lsq', stepLearningRateMultiplier = 1 } = options;
  checkGrid(name, options);
  checkGradientScale(name, gradientScale, stepLearningRateMultiplier);
  checkFloat(name, 'x', x);
  checkFloat(name, 'step', step);
  checkBoundary(name, boundary);
  const resolved = resolveAxis(name, axis, x.rank);
  const shape = stepShape(x.shape, resolved);
  if (resolved === null ? step.size !== 1 : !tf.util.arraysEqual(step.shape, shape))
    throw new RangeError(`${name}: step must have shape [${shape}] for axis ${axis}, got [${step.shape}]`);
  return { ...codeRange(options), axis: resolved, boundary, scale: gradientScale, stepLearningRateMultiplier };
}

/** Throws a TypeError that begins with `name` unless `tensor` is a float32 tensor. */
export function checkFloat(name: string, role: string, tensor: unknown): void {
  if (!(tensor instanceof tf.Tensor))
    throw new TypeError(`${name}: ${role} must be a float32 tensor, got ${shown(tensor)}`);
  if (tensor.dtype !== 'float32')
    throw new TypeError(`${name}: ${role} must be float32, got ${tensor.dtype}; cast it with tf.cast`);
}

/** Throws a RangeError that begins with `name` unless `boundary` is one. */
export function checkBoundary(name: string, boundary: unknown): void {
  if (boundary !== 'strict' && boundary !== 'inclusive')
    throw new RangeError(`${name}: boundary must be 'strict' or 'inclusive', got ${shown(boundary)}`);
}

/** An axis counted from the front, from one that may be negative and then counts from the back. */
export function resolveAxis(name: string, axis: number | null, rank: number): number | null {
  if (axis === null) return null;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new RangeError(`${name}: axis must be null or an integer from ${-rank} to ${rank - 1}, got ${shown(axis)}`);
  return axis < 0 ? axis + rank : axis;
}

/** The shape of the steps of a tensor: scalar, or its rank with every dimension but `axis` 1. */
export function stepShape(shape: readonly number[], axis: number | null): number[] {
  return axis === null ? [] : shape.map((size, dimension) => (dimension === axis ? size : 1));
}
