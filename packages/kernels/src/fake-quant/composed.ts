import * as tf from '@tensorflow/tfjs-core';
import { type BackwardAttributes, type FakeQuantAttributes, SMALLEST_STEP } from './attributes';

/** Where `holds` is true of x, as a constant: comparisons have no gradient and would stop one that passes through. */
function where(x: tf.Tensor, holds: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  const constant = tf.customGrad((x) => ({
    value: holds(x as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }));
  return constant(x);
}

/** s_eff, and z = x / s_eff with its code, whether it lies inside. */
export function quantize(
  x: tf.Tensor,
  step: tf.Tensor,
  { qn, qp, axis = null, boundary = 'strict' }: FakeQuantAttributes,
) {
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
export function signOf(step: tf.Tensor): tf.Tensor {
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
