import * as tf from '@tensorflow/tfjs-core';
import { type Batch, checkCounts, checkShape, describe, disposeItem, range, readBatch } from './batch';
import { isReadOnce, isSequence, readSequence, type Sequence } from './batch-sequence';
import type { Data, InMemoryInputs, RandomAccessData, UnlabelledData } from './data';
import type { Expected } from './expected';
import { type HostInputs, hostInputs, type NestedNumbers, pickInputs } from './inputs';
import { type LabelRows, pickLabels, readExpected } from './labels';

/** Examples by their index. */
export interface Examples {
  readonly size: number;
  /** The examples with these indices, in this order. */
  batch(indices: Int32Array): Promise<Batch>;
}

/** Examples in order, in constant memory, as often as asked for. */
export interface ExampleStream {
  /** The number of examples, where it is known before a pass. */
  readonly size: number | undefined;
  /**
   * One pass. A batch has `batchSize` examples, or as many as the data's own batches have; its `xs` is disposed when the
   * next is asked for.
   */
  batches(batchSize: number): AsyncGenerator<Batch>;
}

/**
 * Opens data of any of the accepted forms for access by index. Datasets and iterables are read once, to the host's
 * memory; of the others only one batch at a time is put on the device.
 *
 * @param caller the function that was called, for messages
 * @throws TypeError if the form is none of the accepted; RangeError if there is no example, counts or shapes differ, or a
 * label is refused (`readLabels`, `readTargets`)
 */
export function openData(data: Data, caller: string, expected?: Expected): Promise<Examples>;
export function openData(
  data: UnlabelledData,
  caller: string,
  expected: Expected & { readonly labels: 'none' },
): Promise<Examples>;
export async function openData(
  data: Data | UnlabelledData,
  caller: string,
  expected: Expected = {},
): Promise<Examples> {
  const form = formOf(data, caller, expected);
  if (form.is === 'sequence') return readAll(form.sequence, caller, expected);
  if (form.is === 'random access') return openRandomAccess(form.data, caller, expected);
  return openInMemory(form.data, caller, expected);
}

/**
 * Opens data of any of the accepted forms for passes in order.
 *
 * @throws as `openData`; Error at the second pass over an iterator
 */
export async function streamData(
  data: Data | UnlabelledData,
  caller: string,
  expected: Expected = {},
): Promise<ExampleStream> {
  const form = formOf(data, caller, expected);
  if (form.is !== 'sequence') {
    const examples = await openData(data as Data, caller, expected);
    return { size: examples.size, batches: (batchSize) => inOrder(examples, batchSize) };
  }
  let passes = 0;
  return {
    size: undefined,
    async *batches() {
      if (passes++ > 0 && isReadOnce(form.sequence))
        throw new Error(
          `${caller}: the data are an iterator, which can be read once, and are needed again; give an array of batches or a function that starts a new pass`,
        );
      let size = 0;
      for await (const batch of readSequence(form.sequence, caller, expected)) {
        size += batch.xs.shape[0];
        try {
          yield batch;
        } finally {
          batch.xs.dispose();
        }
      }
      if (size === 0) throw new RangeError(`${caller}: the data hold no example`);
    },
  };
}

async function* inOrder(examples: Examples, batchSize: number): AsyncGenerator<Batch> {
  for (let start = 0; start < examples.size; start += batchSize) {
    const batch = await examples.batch(range(start, Math.min(start + batchSize, examples.size)));
    try {
      yield batch;
    } finally {
      batch.xs.dispose();
    }
  }
}

type Form =
  | { readonly is: 'sequence'; readonly sequence: Sequence }
  | { readonly is: 'random access'; readonly data: RandomAccessData<unknown> }
  | { readonly is: 'in memory'; readonly data: InMemoryInputs };

function formOf(data: unknown, caller: string, { labels }: Expected): Form {
  if (labels === 'none' && (data instanceof tf.Tensor || isNestedNumbers(data)))
    return { is: 'in memory', data: { xs: data } };
  // A Dataset has a size and a method `batch` too.
  if (typeof data === 'function' || (typeof data === 'object' && data !== null)) {
    if (!('xs' in data) && !ArrayBuffer.isView(data) && isSequence(data)) return { is: 'sequence', sequence: data };
    if ('batch' in data && typeof data.batch === 'function')
      return { is: 'random access', data: data as RandomAccessData<unknown> };
    if ('xs' in data && (labels === 'none' || 'ys' in data))
      return { is: 'in memory', data: data as unknown as InMemoryInputs };
  }
  const pair = labels === 'none' ? '{ xs }' : '{ xs, ys }';
  throw new TypeError(
    `${caller}: data must be ${pair}, { size, batch(indices) }, a tf.data.Dataset or an iterable of ${pair}, or a function that returns such an iterable; got ${describe(data)}`,
  );
}

function isNestedNumbers(data: unknown): data is NestedNumbers {
  if (!Array.isArray(data)) return false;
  return typeof data[0] === 'number' || isNestedNumbers(data[0]);
}

async function openInMemory({ xs, ys, shape }: InMemoryInputs, caller: string, expected: Expected): Promise<Examples> {
  if (!(xs instanceof tf.Tensor))
    return openHost(hostInputs(xs, shape, { ...expected, caller }), await readExpected(ys, caller, expected), {
      caller,
      expected,
    });
  const size = xs.shape[0] ?? 0;
  if (size === 0) throw new RangeError(`${caller}: the data hold no example`);
  checkShape(xs, caller, expected);
  const labels = await readExpected(ys, caller, expected);
  checkCounts(size, labels, caller);
  const tail = xs.shape.slice(1);
  return {
    size,
    batch: async (indices) => ({ xs: takeRows(xs, indices, tail), ...pickLabels(labels, indices) }),
  };
}

/** Rows of a tensor: a slice where the indices are consecutive, which is cheaper than a gather. */
function takeRows(xs: tf.Tensor, indices: Int32Array, tail: readonly number[]): tf.Tensor {
  const first = indices[0] ?? 0;
  const consecutive = indices.every((index, i) => index === first + i);
  if (!consecutive) return tf.tidy(() => tf.gather(xs, tf.tensor1d(indices, 'int32')));
  return tf.slice(xs, [first, ...tail.map(() => 0)], [indices.length, ...tail]);
}

function openHost(
  inputs: HostInputs,
  labels: LabelRows,
  { caller, expected }: { readonly caller: string; readonly expected: Expected },
): Examples {
  const { size, shape } = inputs;
  if (size === 0) throw new RangeError(`${caller}: the data hold no example`);
  checkShape({ shape: [size, ...shape] }, caller, expected);
  checkCounts(size, labels, caller);
  return {
    size,
    batch: async (indices) => ({ xs: pickInputs(inputs, indices), ...pickLabels(labels, indices) }),
  };
}

function openRandomAccess(data: RandomAccessData<unknown>, caller: string, expected: Expected): Examples {
  const { size } = data;
  if (!Number.isInteger(size) || size < 0)
    throw new RangeError(`${caller}: data.size must be the number of examples, got ${size}`);
  if (size === 0) throw new RangeError(`${caller}: the data hold no example`);
  return {
    size,
    batch: async (indices) => {
      const item = await data.batch(indices);
      try {
        const batch = await readBatch(item, caller, expected);
        if (batch.xs.shape[0] === indices.length) return batch;
        batch.xs.dispose();
        throw new RangeError(
          `${caller}: data.batch was asked for ${indices.length} examples and returned ${batch.xs.shape[0]}`,
        );
      } finally {
        disposeItem(item);
      }
    },
  };
}

/** Everything that a sequence yields, in the host's memory. */
async function readAll(sequence: Sequence, caller: string, expected: Expected): Promise<Examples> {
  const inputs: (Float32Array | Int32Array | Uint8Array)[] = [];
  const labels: (Float32Array | Int32Array)[] = [];
  let first: (Pick<tf.Tensor, 'shape' | 'dtype'> & Omit<LabelRows, 'values'>) | undefined;
  for await (const { xs, labels: read, labelClasses: classes } of readSequence(sequence, caller, expected)) {
    try {
      const { shape, dtype } = xs;
      const width = read.length / shape[0];
      first ??= { shape: shape.slice(1), dtype, width, classes };
      if (`${shape.slice(1)}` !== `${first.shape}` || dtype !== first.dtype)
        throw new RangeError(
          `${caller}: all examples must be alike; the first batch has ${first.dtype} examples of shape [${first.shape}], a later one ${dtype} examples of shape [${shape.slice(1)}]`,
        );
      if (width !== first.width || classes !== first.classes)
        throw new RangeError(
          `${caller}: the labels of all batches must be alike, in rows of the same length or in none`,
        );
      inputs.push(await xs.data<'float32' | 'int32'>());
      labels.push(read);
    } finally {
      xs.dispose();
    }
  }
  if (!first)
    throw new RangeError(
      `${caller}: the data hold no example${isReadOnce(sequence) ? '; they are an iterator, which can be read once' : ''}`,
    );
  const dtype = first.dtype === 'int32' ? 'int32' : 'float32';
  const values = joined(inputs, dtype);
  const size = values.length / tf.util.sizeFromShape(first.shape);
  const rows = { ...first, values: joined(labels, expected.labels === 'numbers' ? 'float32' : 'int32') };
  return openHost({ values, shape: first.shape, size, dtype }, rows, { caller, expected });
}

function joined(
  parts: readonly (Float32Array | Int32Array | Uint8Array)[],
  dtype: 'float32' | 'int32',
): Float32Array | Int32Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const values = dtype === 'int32' ? new Int32Array(length) : new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return values;
}
