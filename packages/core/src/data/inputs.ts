import * as tf from '@tensorflow/tfjs-core';
import type { Expected } from './expected';

/** Nested arrays of numbers, one entry per example. */
export type NestedNumbers = readonly (number | NestedNumbers)[];

/** Inputs in memory, one entry of the first axis per example. */
export type Inputs =
  | tf.Tensor
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | NestedNumbers;

/** Inputs that are no tensor. */
export type HostArray = Exclude<Inputs, tf.Tensor>;

/** Inputs on the host, all examples in row order. */
export interface HostInputs {
  readonly values: Exclude<HostArray, NestedNumbers>;
  /** The shape of one example. */
  readonly shape: readonly number[];
  readonly size: number;
  readonly dtype: 'float32' | 'int32';
}

/**
 * Inputs that are no tensor: typed arrays as they are, nested arrays flattened.
 *
 * @throws TypeError for a typed array without the `shape` of one example, RangeError for one that is no whole number of
 * examples and for nested arrays that are ragged
 */
export function hostInputs(
  xs: HostArray,
  shape: readonly number[] | undefined,
  { caller, bytes = 'float32' }: Pick<Expected, 'bytes'> & { readonly caller: string },
): HostInputs {
  if (!ArrayBuffer.isView(xs)) return nestedInputs(xs, caller);
  const isBytes = xs instanceof Uint8Array || xs instanceof Uint8ClampedArray;
  if (!isBytes && !(xs instanceof Float32Array || xs instanceof Float64Array || xs instanceof Int32Array))
    throw new TypeError(
      `${caller}: xs may be a Float32Array, Float64Array, Int32Array, Uint8Array or Uint8ClampedArray, got ${(xs as object).constructor.name}`,
    );
  if (!Array.isArray(shape) || !shape.every((length) => Number.isInteger(length) && length > 0))
    throw new TypeError(
      `${caller}: xs as ${xs.constructor.name} needs shape, the shape of one example, got ${shape === undefined ? 'none' : `[${shape}]`}`,
    );
  const size = xs.length / tf.util.sizeFromShape([...shape]);
  if (!Number.isInteger(size))
    throw new RangeError(
      `${caller}: xs holds ${xs.length} numbers, which is no whole number of examples of shape [${shape}]; give shape as that of one example`,
    );
  return { values: xs, shape, size, dtype: isBytes ? bytes : xs instanceof Int32Array ? 'int32' : 'float32' };
}

/** The examples with these indices, as a tensor. */
export function pickInputs({ values, shape, dtype }: HostInputs, indices: Int32Array): tf.Tensor {
  const stride = tf.util.sizeFromShape([...shape]);
  const picked =
    dtype === 'int32' ? new Int32Array(indices.length * stride) : new Float32Array(indices.length * stride);
  indices.forEach((index, i) => {
    picked.set(values.subarray(index * stride, (index + 1) * stride), i * stride);
  });
  return tf.tensor(picked, [indices.length, ...shape], dtype);
}

function nestedInputs(xs: NestedNumbers, caller: string): HostInputs {
  if (!Array.isArray(xs))
    throw new TypeError(
      `${caller}: xs must be a tensor, a typed array or nested arrays of numbers, got ${xs === null ? 'null' : typeof xs}`,
    );
  const shape = shapeOf(xs);
  const values = new Float32Array(tf.util.sizeFromShape(shape));
  let at = 0;
  const copy = (nested: NestedNumbers | number, axis: number): void => {
    if (axis === shape.length && typeof nested === 'number') values[at++] = nested;
    else if (axis < shape.length && Array.isArray(nested) && nested.length === shape[axis])
      for (const entry of nested) copy(entry, axis + 1);
    else
      throw new RangeError(
        `${caller}: xs is ragged or not of numbers: the first example has the shape [${shape.slice(1)}], others differ; give every example the same shape`,
      );
  };
  copy(xs, 0);
  return { values, shape: shape.slice(1), size: shape[0], dtype: 'float32' };
}

function shapeOf(nested: NestedNumbers | number | undefined): number[] {
  return Array.isArray(nested) ? [nested.length, ...shapeOf(nested[0])] : [];
}
