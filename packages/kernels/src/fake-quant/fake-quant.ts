import { requireKnownOptions, requireOneOf, shown } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { registered } from '../backends/registered';
import { requireTensors } from '../backends/require-tensors';
import { type BackwardAttributes, FAKE_QUANT, FAKE_QUANT_BACKWARD } from './kernels';

/**
 * Which integers a fake quantization uses and which elements share a step size.
 *
 * `qn <= 0 <= qp` are the lowest and the highest code. `axis: null` (the default) gives the whole tensor one step; an
 * axis gives each of its slices a step of its own. `boundary` says whether an element exactly on a clipping edge counts
 * as inside ('inclusive', the gradient of a clamp) or as clipped ('strict', the paper's open interval, the default).
 */
export interface FakeQuantAttributes {
  readonly qn: number;
  readonly qp: number;
  readonly axis?: number | null;
  readonly boundary?: 'strict' | 'inclusive';
}

/** The step size is kept away from zero: s_eff = max(|s|, 1e-8). */
export const SMALLEST_STEP = 1e-8;
/** float32 holds every integer up to here. */
const LARGEST_CODE = 2 ** 24;

/**
 * Fake quantization, Esser et al., "Learned Step Size Quantization" (ICLR 2020), equations 1 and 2:
 *
 *     z = x / s_eff,  q = roundHalfToEven(clip(z, qn, qp)),  result = q * s_eff,  s_eff = max(|s|, 1e-8)
 *
 * `x` is float32 of any shape; `step` holds one element, or with an axis has x's rank and every other dimension 1. The
 * result has x's shape. Every operation is rounded to float32, so that cpu and wasm agree bit for bit. A NaN in `x`
 * stays NaN and an infinity takes the outermost code. It has no gradient of its own: wrap it in `tf.customGrad` with
 * `fakeQuantBackward`.
 *
 * @throws TypeError if `x` or `step` is no float32 tensor
 * @throws RangeError if the codes, the axis, the boundary or the shape of `step` don't fit, or an attribute is unknown
 */
export function fakeQuantForward(x: tf.Tensor, step: tf.Tensor, attributes: FakeQuantAttributes): tf.Tensor {
  check('fakeQuantForward', { x, step }, attributes);
  if (!registered(FAKE_QUANT)) return composedForward(x, step, attributes);
  return tf.engine().runKernel(FAKE_QUANT, { x, step }, attributes as unknown as tf.NamedAttrMap);
}

/**
 * The gradients of fake quantization for an upstream gradient `dy`, equations 3 and 5 of the paper:
 *
 *     dx    = dy where qn < z < qp, else 0                 (qn <= z <= qp with `boundary: 'inclusive'`)
 *     t     = q - z where that holds, else q               (q is then qn or qp)
 *     dStep = gradientScale * sign(s) * sum(dy * t)        over the elements that share a step; the shape of `step`
 *
 * `dy` has the shape of `x`, the rest is as in `fakeQuantForward`. The sum stays within 2e-6 of the sum of |dy * t|. A
 * NaN in `x` gives dx = 0 there and makes its dStep NaN; a step of exactly zero gets a dStep of zero.
 *
 * @throws TypeError if `dy`, `x` or `step` is no float32 tensor
 * @throws RangeError if the codes, the axis, the boundary or a shape don't fit, `gradientScale` is not finite, or an
 * attribute is unknown
 */
export function fakeQuantBackward(
  dy: tf.Tensor,
  x: tf.Tensor,
  step: tf.Tensor,
  attributes: FakeQuantAttributes & { readonly gradientScale?: number },
): { dx: tf.Tensor; dStep: tf.Tensor } {
  const name = 'fakeQuantBackward';
  check(name, { dy, x, step }, attributes);
  if (!tf.util.arraysEqual(dy.shape, x.shape))
    throw new RangeError(`${name}: dy must have the shape of x, got [${dy.shape}] and [${x.shape}]`);
  const { gradientScale = 1 } = attributes;
  if (!Number.isFinite(gradientScale))
    throw new RangeError(`${name}: gradientScale must be a finite number, got ${shown(gradientScale)}`);
  const attrs = { ...attributes, gradientScale };
  if (!registered(FAKE_QUANT_BACKWARD)) return composedBackward(dy, x, step, attrs);
  const gradients: tf.Tensor[] = tf
    .engine()
    .runKernel(FAKE_QUANT_BACKWARD, { dy, x, step }, attrs as unknown as tf.NamedAttrMap);
  const [dx, dStep] = gradients;
  return { dx: dx!, dStep: dStep! };
}

/** Of both functions, so that one object serves both. */
const ATTRIBUTES = ['qn', 'qp', 'axis', 'boundary', 'gradientScale'];

function check(
  name: string,
  tensors: { readonly dy?: tf.Tensor; readonly x: tf.Tensor; readonly step: tf.Tensor },
  attributes: FakeQuantAttributes,
): void {
  requireTensors(name, tensors);
  requireKnownOptions(name, attributes, ATTRIBUTES);
  const { x, step } = tensors;
  const { qn, qp, axis = null, boundary = 'strict' } = attributes ?? {};
  if (
    !Number.isInteger(qn) ||
    !Number.isInteger(qp) ||
    qn > 0 ||
    qp < 0 ||
    qn === qp ||
    Math.max(-qn, qp) > LARGEST_CODE
  )
    throw new RangeError(
      `${name}: qn and qp must be integers with -2^24 <= qn <= 0 <= qp <= 2^24 and qn < qp, got ${shown(qn)} and ${shown(qp)}`,
    );
  requireOneOf(name, 'boundary', boundary, ['strict', 'inclusive']);
  if (axis === null) {
    if (step.size !== 1)
      throw new RangeError(`${name}: step must hold one element, got shape [${step.shape}]; give an axis for more`);
    return;
  }
  if (!Number.isInteger(axis) || axis < 0 || axis >= x.rank)
    throw new RangeError(`${name}: axis must be null or an integer from 0 to ${x.rank - 1}, got ${shown(axis)}`);
  const shape = x.shape.map((size, dimension) => (dimension === axis ? size : 1));
  if (!tf.util.arraysEqual(step.shape, shape))
    throw new RangeError(`${name}: step must have shape [${shape}] for axis ${axis}, got [${step.shape}]`);
}

/** Where `holds` is true of x, as a constant: comparisons have no gradient and would stop one that passes through. */
function where(x: tf.Tensor, holds: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  const constant = tf.customGrad((x) => ({
    value: holds(x as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }));
  return constant(x);
}

/** s_eff, and z = x / s_eff with its code, whether it lies inside. */
function quantize(x: tf.Tensor, step: tf.Tensor, { qn, qp, axis = null, boundary = 'strict' }: FakeQuantAttributes) {
  const size = tf.abs(axis === null ? tf.reshape(step, []) : step);
  // On wasm, maximum and clipByValue turn a NaN into a bound.
  const tooSmall = where(size, (size) => tf.less(size, SMALLEST_STEP));
  const scale = tf.where(tooSmall, tf.fill(size.shape, SMALLEST_STEP), size);
  const z = tf.div(x, scale);
  const nan = where(z, (z) => tf.notEqual(z, z));
  const q = tf.where(nan, z, tf.round(tf.clipByValue(z, qn, qp)));
  const inside = where(z, (z) =>
    boundary === 'strict'
      ? tf.logicalAnd(tf.greater(z, qn), tf.less(z, qp))
      : tf.logicalAnd(tf.greaterEqual(z, qn), tf.lessEqual(z, qp)),
  );
  return { scale, z, q, inside };
}

/** sign(s) without tf.sign, which is 0 for |s| < 1e-6 on wasm. */
function signOf(step: tf.Tensor): tf.Tensor {
  const positive = where(step, (step) => tf.greater(step, 0));
  const negative = where(step, (step) => tf.less(step, 0));
  return tf.sub(tf.cast(positive, 'float32'), tf.cast(negative, 'float32'));
}

/** The sum over the elements that share a step, in the shape of `step`. */
export function sumPerStep(terms: tf.Tensor, step: tf.Tensor, axis: number | null): tf.Tensor {
  // On wasm, the sum over nothing is whatever lay in memory.
  if (terms.size === 0) return tf.zeros(step.shape);
  const others = terms.shape.map((_, dimension) => dimension).filter((dimension) => dimension !== axis);
  const channelsLast = axis === null || axis === terms.rank - 1 ? terms : tf.transpose(terms, [...others, axis]);
  return tf.reshape(sumRows(tf.reshape(channelsLast, [-1, step.size])), step.shape);
}

/** How many rows a stage adds up. */
const ROWS = 8;

/**
 * The sum of the rows of a matrix in stages, so that the error grows with the logarithm of their number: backends may add
 * them one after another in float32, where 131,072 equal terms lose 1e-3 of their sum.
 */
function sumRows(rows: tf.Tensor): tf.Tensor {
  const [count, columns] = rows.shape as [number, number];
  if (count <= ROWS) return tf.sum(rows, 0);
  const next = Math.floor(count / ROWS);
  const rest = count - next * ROWS;
  const whole = rest === 0 ? rows : tf.slice(rows, [0, 0], [next * ROWS, columns]);
  const total = sumRows(tf.reshape(tf.sum(tf.reshape(whole, [ROWS, next * columns]), 0), [next, columns]));
  return rest === 0 ? total : tf.add(total, tf.sum(tf.slice(rows, [next * ROWS, 0], [rest, columns]), 0));
}

/** The definition in tfjs operations: what runs where there is no faster body, and what those are tested against. */
export function composedForward(x: tf.Tensor, step: tf.Tensor, attributes: FakeQuantAttributes): tf.Tensor {
  return tf.tidy(() => {
    const { scale, q } = quantize(x, step, attributes);
    return tf.mul(q, scale);
  });
}

/** As `composedForward`, for the gradients. */
export function composedBackward(
  dy: tf.Tensor,
  x: tf.Tensor,
  step: tf.Tensor,
  attributes: BackwardAttributes,
): { dx: tf.Tensor; dStep: tf.Tensor } {
  return tf.tidy(() => {
    const { z, q, inside } = quantize(x, step, attributes);
    const dx = tf.mul(dy, tf.cast(inside, 'float32'));
    const terms = tf.mul(dy, tf.where(inside, tf.sub(q, z), q));
    const sums = sumPerStep(terms, step, attributes.axis ?? null);
    return { dx, dStep: tf.mul(tf.mul(sums, signOf(step)), attributes.gradientScale) };
  });
}

/**
 * The gradient of the fast backward kernels, for second derivatives: with upstream u for dx and v for dStep, and
 * w = gradientScale * sign(s) * v,
 *
 *     d/d dy = u [inside] + w t    d/dx = -w dy [inside] / s_eff    d/ds = sign(s) sum(w dy [inside] z / s_eff)
 */
const backwardGradient: tf.GradConfig = {
  kernelName: FAKE_QUANT_BACKWARD,
  inputsToSave: ['dy', 'x', 'step'],
  gradFunc: (upstream, saved, attrs) => {
    const [u, v] = upstream as [tf.Tensor, tf.Tensor];
    const [dy, x, step] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    const attributes = attrs as unknown as BackwardAttributes;
    const { scale, z, q, inside } = quantize(x, step, attributes);
    const sign = signOf(step);
    const w = tf.reshape(tf.mul(tf.mul(v, sign), attributes.gradientScale), scale.shape);
    const passed = tf.cast(inside, 'float32');
    const zero = tf.zerosLike(z);
    const slope = tf.div(tf.mul(tf.mul(w, dy), passed), scale);
    const dStep = () =>
      tf.mul(sign, sumPerStep(tf.mul(slope, tf.where(inside, z, zero)), step, attributes.axis ?? null));
    return {
      dy: () => tf.add(tf.mul(u, passed), tf.mul(w, tf.where(inside, tf.sub(q, z), q))),
      x: () => tf.neg(slope),
      step: dStep,
    };
  },
};
if (!tf.getGradient(FAKE_QUANT_BACKWARD)) tf.registerGradient(backwardGradient);
