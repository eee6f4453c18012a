import * as tf from '@tensorflow/tfjs-core';

/** Class of every example: integers `[m]`, or one-hot (or soft) rows `[m, classes]`, of which the largest counts. */
export type Labels = tf.Tensor | ArrayLike<number> | readonly ArrayLike<number>[];

/** Nested arrays of numbers, one entry per example. */
export type NestedNumbers = readonly (number | NestedNumbers)[];

/** Examples in memory. Typed arrays hold all examples in row order and need the `shape` of one; they stay on the host. */
export interface InMemoryData {
  readonly xs: tf.Tensor | Float32Array | Int32Array | Uint8Array | NestedNumbers;
  readonly ys: Labels;
  readonly shape?: readonly number[];
}

/** Examples by their index: `batch` returns those asked for, in that order, as a batch. Its tensors are disposed. */
export interface RandomAccessData {
  readonly size: number;
  batch(indices: Int32Array): { xs: tf.Tensor; ys: Labels } | Promise<{ xs: tf.Tensor; ys: Labels }>;
}

/** A `tf.data.Dataset` of `{ xs, ys }`, batched or one by one. Read once, to the host's memory. */
export interface DatasetLike {
  iterator(): Promise<{ next(): Promise<{ done?: boolean; value: unknown }> }>;
}

/** Labelled examples, wherever they are. Only one batch at a time is put on the device. */
export type Data = InMemoryData | RandomAccessData | DatasetLike;

/** A batch on the device; whoever took it disposes `xs`. */
export interface Batch {
  readonly xs: tf.Tensor;
  readonly labels: Int32Array;
}

/** Labelled examples behind one door. */
export interface Examples {
  readonly size: number;
  /** The examples with these indices, in this order. */
  batch(indices: Int32Array): Promise<Batch>;
}

/** 0, 1, …, or from `start` up to `end`. */
export function range(start: number, end: number): Int32Array {
  return Int32Array.from({ length: end - start }, (_, i) => start + i);
}

/**
 * Opens data of any of the accepted forms.
 *
 * @param inputRank rank of a batch of inputs, which tells batched from single examples in a `tf.data.Dataset`
 * @throws RangeError if there is no example, counts differ, or a label is not an integer of 0 and more; TypeError if
 * the form is none of the accepted
 */
export async function openData(data: Data, caller: string, inputRank?: number): Promise<Examples> {
  if (typeof data === 'object' && data !== null) {
    if ('iterator' in data) return openHost(await readDataset(data, caller, inputRank), caller);
    if ('batch' in data) return openRandomAccess(data, caller);
    if ('xs' in data && 'ys' in data)
      return data.xs instanceof tf.Tensor
        ? openTensor(data.xs, data.ys, caller)
        : openHost(hostRows(data, caller), caller);
  }
  throw new TypeError(
    `${caller}: data is { xs, ys }, { size, batch(indices) } or a tf.data.Dataset of { xs, ys }, got ${data === null ? 'null' : typeof data}`,
  );
}

async function openTensor(xs: tf.Tensor, ys: Labels, caller: string): Promise<Examples> {
  const size = xs.shape[0] ?? 0;
  const labels = await readLabels(ys, caller);
  checkCounts(size, labels.length, caller);
  const tail = xs.shape.slice(1);
  return {
    size,
    batch: async (indices) => ({ xs: takeRows(xs, indices, tail), labels: pick(labels, indices) }),
  };
}

/** Rows of a tensor: a slice where the indices are consecutive, which is cheaper than a gather. */
function takeRows(xs: tf.Tensor, indices: Int32Array, tail: readonly number[]): tf.Tensor {
  const first = indices[0] ?? 0;
  const consecutive = indices.every((index, i) => index === first + i);
  if (!consecutive) return tf.tidy(() => tf.gather(xs, tf.tensor1d(indices, 'int32')));
  return tf.slice(xs, [first, ...tail.map(() => 0)], [indices.length, ...tail]);
}

function pick(labels: Int32Array, indices: Int32Array): Int32Array {
  return Int32Array.from(indices, (index) => labels[index]!);
}

interface HostRows {
  readonly values: Float32Array | Int32Array | Uint8Array;
  readonly shape: readonly number[];
  readonly labels: Int32Array | Promise<Int32Array>;
  readonly dtype: 'float32' | 'int32';
}

async function openHost(rows: HostRows, caller: string): Promise<Examples> {
  const { values, shape, dtype } = rows;
  const labels = await rows.labels;
  const stride = tf.util.sizeFromShape([...shape]);
  checkCounts(stride === 0 ? 0 : values.length / stride, labels.length, caller);
  return {
    size: labels.length,
    batch: async (indices) => {
      const picked =
        dtype === 'int32' ? new Int32Array(indices.length * stride) : new Float32Array(indices.length * stride);
      indices.forEach((index, i) => {
        picked.set(values.subarray(index * stride, (index + 1) * stride), i * stride);
      });
      return { xs: tf.tensor(picked, [indices.length, ...shape], dtype), labels: pick(labels, indices) };
    },
  };
}

function hostRows({ xs, ys, shape }: InMemoryData, caller: string): HostRows {
  const labels = readLabels(ys, caller);
  if (ArrayBuffer.isView(xs)) {
    const values = xs as Float32Array | Int32Array | Uint8Array;
    if (!shape) throw new TypeError(`${caller}: xs as ${xs.constructor.name} needs shape, the shape of one example`);
    return { values, shape, labels, dtype: values instanceof Int32Array ? 'int32' : 'float32' };
  }
  const inferred = shapeOf(xs as NestedNumbers);
  const flat: number[] = [];
  flatten(xs as NestedNumbers, flat);
  if (flat.length !== tf.util.sizeFromShape(inferred))
    throw new RangeError(
      `${caller}: xs is ragged: the first example has the shape [${inferred.slice(1)}], others differ`,
    );
  return { values: Float32Array.from(flat), shape: inferred.slice(1), labels, dtype: 'float32' };
}

function flatten(nested: NestedNumbers, into: number[]): void {
  for (const entry of nested) {
    if (typeof entry === 'number') into.push(entry);
    else flatten(entry, into);
  }
}

function shapeOf(nested: NestedNumbers | number | undefined): number[] {
  if (typeof nested === 'number' || nested === undefined) return [];
  return [nested.length, ...shapeOf(nested[0])];
}

async function openRandomAccess(data: RandomAccessData, caller: string): Promise<Examples> {
  if (!Number.isInteger(data.size) || data.size < 0)
    throw new RangeError(`${caller}: data.size must be the number of examples, got ${data.size}`);
  checkCounts(data.size, data.size, caller);
  return {
    size: data.size,
    batch: async (indices) => {
      const { xs, ys } = await data.batch(indices);
      const labels = await readLabels(ys, caller);
      if (ys instanceof tf.Tensor) ys.dispose();
      if (xs.shape[0] !== indices.length || labels.length !== indices.length) {
        xs.dispose();
        throw new RangeError(
          `${caller}: data.batch was asked for ${indices.length} examples and returned ${xs.shape[0]} inputs and ${labels.length} labels`,
        );
      }
      return { xs, labels };
    },
  };
}

async function readDataset(data: DatasetLike, caller: string, inputRank: number | undefined): Promise<HostRows> {
  const parts: (Float32Array | Int32Array | Uint8Array)[] = [];
  const labels: number[] = [];
  let shape: readonly number[] = [];
  let dtype: 'float32' | 'int32' = 'float32';
  const iterator = await data.iterator();
  for (let item = await iterator.next(); !item.done; item = await iterator.next()) {
    const { xs, ys } = item.value as { xs: tf.Tensor; ys: tf.Tensor | number };
    if (!(xs instanceof tf.Tensor)) throw new TypeError(`${caller}: a dataset must yield { xs: Tensor, ys }`);
    const batched =
      inputRank === undefined
        ? ys instanceof tf.Tensor && ys.rank > 0 && ys.shape[0] === xs.shape[0]
        : xs.rank === inputRank;
    shape = batched ? xs.shape.slice(1) : xs.shape;
    dtype = xs.dtype === 'int32' ? 'int32' : 'float32';
    parts.push(await xs.data<'float32' | 'int32'>());
    if (!(ys instanceof tf.Tensor)) labels.push(...checkLabels([ys], caller));
    else if (batched) labels.push(...(await readLabels(ys, caller)));
    else labels.push(...(await readLabelRows(ys, caller)));
    tf.dispose([xs, ys]);
  }
  const values = new (dtype === 'int32' ? Int32Array : Float32Array)(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return { values, shape, labels: Int32Array.from(labels), dtype };
}

async function readLabelRows(ys: tf.Tensor, caller: string): Promise<Int32Array> {
  const row = tf.reshape(ys, ys.rank === 0 ? [1] : [1, -1]);
  const labels = await readLabels(row, caller);
  row.dispose();
  return labels;
}

/** Labels as integers, read to the host. */
async function readLabels(ys: Labels, caller: string): Promise<Int32Array> {
  if (ys instanceof tf.Tensor) {
    const values = await ys.data();
    if (ys.rank < 2) return checkLabels(values, caller);
    const classes = ys.shape[ys.rank - 1]!;
    if (ys.rank === 2 && classes === 1) return checkLabels(values, caller);
    return largest(ys.shape[0]!, classes, (i, c) => values[i * classes + c]!);
  }
  const first = ys[0];
  if (typeof first !== 'object') return checkLabels(ys as ArrayLike<number>, caller);
  const rows = ys as readonly ArrayLike<number>[];
  return largest(rows.length, first.length, (i, c) => rows[i]![c]!);
}

function largest(rows: number, classes: number, at: (row: number, column: number) => number): Int32Array {
  return Int32Array.from({ length: rows }, (_, i) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (at(i, c) > at(i, best)) best = c;
    return best;
  });
}

function checkLabels(labels: ArrayLike<number>, caller: string): Int32Array {
  for (let i = 0; i < labels.length; i++)
    if (!(Number.isInteger(labels[i]) && labels[i]! >= 0))
      throw new RangeError(`${caller}: labels must be integers from 0, got ${labels[i]} at example ${i}`);
  return Int32Array.from(labels as ArrayLike<number>);
}

function checkCounts(inputs: number, labels: number, caller: string): void {
  if (inputs === 0) throw new RangeError(`${caller}: the data hold no example`);
  if (inputs !== labels) throw new RangeError(`${caller}: there are ${inputs} inputs and ${labels} labels`);
}
