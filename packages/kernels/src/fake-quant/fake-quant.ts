import { requireKnownOptions, requireOneOf, shown } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { requireTensors } from '../backends/require-tensors';
import type { FakeQuantAttributes } from './attributes';
import { runFakeQuant, runFakeQuantBackward } from './run';

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
  return runFakeQuant(x, step, attributes);
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
  return runFakeQuantBackward(dy, x, step, { ...attributes, gradientScale });
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
