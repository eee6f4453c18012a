import * as tf from '@tensorflow/tfjs-core';
import { shown } from '../options/shown';
import type { InMemoryInputs } from './data';
import type { Expected } from './expected';
import { type HostArray, hostInputs, pickInputs } from './inputs';
import { type LabelRows, type Labels, readExpected } from './labels';

/** A batch on the device; whoever took it disposes `xs`. */
export interface Batch {
  readonly xs: tf.Tensor;
  /** A class for each example (`Int32Array`), the numbers of a regression in row order (`Float32Array`), or nothing. */
  readonly labels: Int32Array | Float32Array;
  /** Where the labels came as one-hot (or soft) rows, how many classes those have. */
  readonly labelClasses?: number;
}

/** 0, 1, …, or from `start` up to `end`. */
export function range(start: number, end: number): Int32Array {
  return Int32Array.from({ length: end - start }, (_, i) => start + i);
}

/**
 * A batch from what an iterable, a dataset or `batch(indices)` gave. The result's `xs` is a tensor of its own.
 *
 * @throws TypeError if there is no `xs`, or no `ys` where labels are expected; RangeError if their numbers differ
 */
export async function readBatch(item: unknown, caller: string, expected: Expected): Promise<Batch> {
  const given = asObject(item, caller, expected);
  const one = isSingle(given, expected);
  const { xs, ys, shape } = one ? { xs: asRow(given.xs), ys: asRow(given.ys) } : given;
  try {
    const rows = await readExpected(ys as Labels | undefined, caller, expected);
    const inputs = xs instanceof tf.Tensor ? undefined : hostInputs(xs as HostArray, shape, { ...expected, caller });
    const size = inputs?.size ?? (xs as tf.Tensor).shape[0] ?? 0;
    if (size === 0) throw new RangeError(`${caller}: a batch holds no example; leave empty batches out`);
    checkShape(inputs ? { shape: [size, ...inputs.shape] } : (xs as tf.Tensor), caller, expected);
    checkCounts(size, rows, caller);
    return {
      xs: inputs ? pickInputs(inputs, range(0, size)) : tf.clone(xs as tf.Tensor),
      labels: rows.values,
      ...(rows.classes !== undefined && { labelClasses: rows.classes }),
    };
  } finally {
    if (one) disposeItem({ xs, ys });
  }
}

/** @throws RangeError if inputs have another shape than the model takes */
export function checkShape(
  { shape }: { readonly shape: readonly number[] },
  caller: string,
  { inputShape: takes }: Expected,
): void {
  if (!takes) return;
  const fits =
    shape.length === takes.length && shape.every((length, axis) => axis === 0 || length === (takes[axis] ?? length));
  if (!fits)
    throw new RangeError(
      `${caller}: the model takes inputs of shape [n, ${takes.slice(1).map((length) => length ?? 'any')}], got [${shape}]${shape.length === takes.length - 1 ? '; make a single example a batch of one' : ''}`,
    );
}

/** @throws RangeError if there are not as many labels as inputs */
export function checkCounts(inputs: number, { values, width }: LabelRows, caller: string): void {
  if (width > 0 && values.length !== inputs * width)
    throw new RangeError(
      `${caller}: there are ${inputs} inputs and ${values.length / width} labels; give each input one label`,
    );
}

/** A description of a value that was given in place of data: its kind and the names of its fields. */
export function describe(item: unknown): string {
  if (item instanceof tf.Tensor) return `a tensor of shape [${item.shape}]`;
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return shown(item);
  return ArrayBuffer.isView(item) ? item.constructor.name : `{ ${Object.keys(item).slice(0, 5).join(', ')} }`;
}

/** Disposes the tensors of what was given, whatever it is. */
export function disposeItem(item: unknown): void {
  if (item instanceof tf.Tensor) item.dispose();
  else if (typeof item === 'object' && item !== null)
    for (const value of [(item as InMemoryInputs).xs, (item as InMemoryInputs).ys])
      if (value instanceof tf.Tensor) value.dispose();
}

function asObject(item: unknown, caller: string, { labels }: Expected): InMemoryInputs {
  if (labels === 'none' && item instanceof tf.Tensor) return { xs: item };
  if (typeof item !== 'object' || item === null || !('xs' in item) || !(labels === 'none' || 'ys' in item))
    throw new TypeError(
      `${caller}: every batch must be ${labels === 'none' ? '{ xs }' : '{ xs, ys }'}, got ${describe(item)}`,
    );
  return item as InMemoryInputs;
}

/** Whether this is one example, as an unbatched dataset yields it, not a batch. */
function isSingle({ xs, ys }: InMemoryInputs, { inputShape, labels }: Expected): boolean {
  if (!(xs instanceof tf.Tensor)) return false;
  if (inputShape) return xs.rank === inputShape.length - 1;
  if (labels === 'none') return false;
  return ys instanceof tf.Tensor ? ys.rank === 0 : typeof ys === 'number';
}

/** The same with an axis before the first. */
function asRow(value: unknown): unknown {
  return value instanceof tf.Tensor ? tf.reshape(value, [1, ...value.shape]) : [value];
}
