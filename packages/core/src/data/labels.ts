import * as tf from '@tensorflow/tfjs-core';
import type { Expected } from './expected';

/**
 * The right answer for each example. Classes: integers from 0, `[n]` or `[n, 1]`, or one-hot (or soft) rows `[n, classes]`,
 * of which the largest entry counts. Of a regression: numbers `[n]` or rows `[n, d]`.
 */
export type Labels = tf.Tensor | ArrayLike<number> | readonly ArrayLike<number>[];

/** Labels on the host, in row order, `width` of them for each example. */
export interface LabelRows {
  readonly values: Int32Array | Float32Array;
  readonly width: number;
  /** The number of classes of one-hot (or soft) rows. */
  readonly classes?: number;
}

/** How far the entries of a one-hot or soft row may be from a sum of 1: half precision loses that much. */
const SUM_TOLERANCE = 1e-3;

/**
 * Classes as integers, on the host. One-hot (or soft) rows become the place of their largest entry.
 *
 * @param classes the number of classes, where it is known
 * @throws TypeError if `ys` is neither a tensor nor an array of numbers or rows; RangeError for a class that is not an
 * integer from 0 (below `classes`), and for a row that is no distribution over the classes: an entry that is negative or
 * not finite, a sum that is not 1, two largest entries, or another number of entries than `classes`
 */
export async function readLabels(ys: Labels, caller: string, classes?: number): Promise<Int32Array> {
  return (await readClasses(ys, caller, classes)).values;
}

/** `readLabels`, with the number of classes that one-hot rows tell. */
async function readClasses(
  ys: Labels,
  caller: string,
  classes: number | undefined,
): Promise<LabelRows & { readonly values: Int32Array }> {
  const { values, columns } = await readRows(ys, caller);
  if (columns === 1) return { values: wholeNumbers(values, caller, classes), width: 1 };
  if (classes !== undefined) requireClasses(columns, classes, caller);
  return { values: largestOfRows(values, columns, caller), width: 1, classes: columns };
}

/** @throws RangeError if one-hot rows have not one entry for each class */
export function requireClasses(columns: number, classes: number, caller: string): void {
  if (columns !== classes)
    throw new RangeError(
      `${caller}: one-hot labels must have one entry for each of the model's ${classes} classes, got rows of ${columns}`,
    );
}

/**
 * The numbers that a regression should return, on the host, with how many there are for each example.
 *
 * @throws TypeError if `ys` is neither a tensor nor an array of numbers or rows; RangeError for a number that is not finite
 */
export async function readTargets(ys: Labels, caller: string): Promise<LabelRows> {
  const { values, columns } = await readRows(ys, caller);
  const targets = Float32Array.from(values);
  const wrong = targets.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0)
    throw new RangeError(
      `${caller}: targets must be finite numbers, got ${values[wrong]} at example ${Math.floor(wrong / columns)}`,
    );
  return { values: targets, width: columns };
}

/** Labels as `expected` has them. Nothing is read, and there are none, where it expects none. */
export async function readExpected(
  ys: Labels | undefined,
  caller: string,
  { labels = 'classes', classes }: Expected,
): Promise<LabelRows> {
  if (labels === 'none') return { values: new Int32Array(0), width: 0 };
  if (labels === 'numbers') return readTargets(ys as Labels, caller);
  return readClasses(ys as Labels, caller, classes);
}

/** The labels of the examples with these indices. */
export function pickLabels(
  { values, width, classes }: LabelRows,
  indices: Int32Array,
): { readonly labels: Int32Array | Float32Array; readonly labelClasses?: number } {
  const picked =
    values instanceof Int32Array ? new Int32Array(indices.length * width) : new Float32Array(indices.length * width);
  for (let i = 0, at = 0; i < indices.length; i++)
    for (let column = 0; column < width; column++) picked[at++] = values[indices[i] * width + column];
  return { labels: picked, ...(classes !== undefined && { labelClasses: classes }) };
}

async function readRows(
  ys: Labels,
  caller: string,
): Promise<{ readonly values: ArrayLike<number>; readonly columns: number }> {
  if (ys instanceof tf.Tensor) {
    if (ys.rank < 1 || ys.rank > 2 || ys.dtype === 'string' || ys.dtype === 'complex64')
      throw new TypeError(
        `${caller}: labels must be numbers [n] or rows [n, classes], got a ${ys.dtype} tensor of shape [${ys.shape}]`,
      );
    return { values: await ys.data(), columns: ys.rank === 2 ? ys.shape[1]! : 1 };
  }
  if (typeof ys !== 'object' || ys === null || typeof ys.length !== 'number')
    throw new TypeError(
      `${caller}: ys must be a tensor or an array of labels, got ${ys === null ? 'null' : typeof ys}`,
    );
  if (typeof ys[0] !== 'object' || ys[0] === null)
    return { values: numbers(ys as ArrayLike<number>, caller), columns: 1 };
  const rows = ys as readonly ArrayLike<number>[];
  const columns = rows[0].length;
  const values = new Float64Array(rows.length * columns);
  for (const [i, row] of rows.entries()) {
    if (typeof row !== 'object' || row === null || row.length !== columns)
      throw new RangeError(
        `${caller}: rows of labels must have the same length, that of example 0 is ${columns} and that of example ${i} ${row?.length}`,
      );
    values.set(numbers(row, caller), i * columns);
  }
  return { values, columns };
}

function numbers(values: ArrayLike<number>, caller: string): ArrayLike<number> {
  if (!ArrayBuffer.isView(values))
    for (let i = 0; i < values.length; i++)
      if (typeof values[i] !== 'number')
        throw new TypeError(`${caller}: labels must be numbers, got ${typeof values[i]} ${String(values[i])}`);
  return values;
}

function wholeNumbers(labels: ArrayLike<number>, caller: string, classes = 2 ** 31): Int32Array {
  for (let i = 0; i < labels.length; i++)
    if (!(Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < classes)) {
      const limit = classes === 2 ** 31 ? '' : ` to ${classes - 1} (the model has ${classes} classes)`;
      throw new RangeError(`${caller}: labels must be integers from 0${limit}, got ${labels[i]} at example ${i}`);
    }
  return Int32Array.from(labels);
}

function largestOfRows(values: ArrayLike<number>, columns: number, caller: string): Int32Array {
  const refuse = (row: number, why: string) => {
    const entries = Array.from({ length: Math.min(columns, 10) }, (_, c) => values[row * columns + c]);
    throw new RangeError(
      `${caller}: one-hot (or soft) labels must be finite, not negative and sum to 1; those of example ${row}, [${entries}${columns > 10 ? ', …' : ''}], ${why}`,
    );
  };
  const labels = new Int32Array(columns === 0 ? 0 : values.length / columns);
  for (let row = 0; row < labels.length; row++) {
    let [best, sum] = [0, 0];
    for (let c = 0; c < columns; c++) {
      const value = values[row * columns + c];
      if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) refuse(row, `have ${value}`);
      if (value > values[row * columns + best]) best = c;
      sum += value;
    }
    if (Math.abs(sum - 1) > SUM_TOLERANCE) refuse(row, `sum to ${sum}`);
    for (let c = best + 1; c < columns; c++)
      if (values[row * columns + c] === values[row * columns + best]) refuse(row, 'have two largest entries');
    labels[row] = best;
  }
  return labels;
}
