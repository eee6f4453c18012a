import * as tf from '@tensorflow/tfjs-core';

/** Class indices, one per image, or a tensor of them ([N], or one-hot [N, classes]). */
export type Labels = tf.Tensor | Int32Array | Uint8Array | Float32Array | readonly number[];

/** Images [N, H, W, C], int32 in 0..255 or float32 in 0..1, with their labels. */
export interface LabelledBatch {
  readonly xs: tf.Tensor;
  readonly ys: Labels;
}

/**
 * Where a report takes its examples from, always in the same order:
 * - `{ xs, ys }` in memory, which stays the caller's;
 * - a function that starts a new pass and returns its batches, which the report disposes after use;
 * - a `tf.data.Dataset` of batched `{ xs, ys }`, likewise.
 */
export type LabelledData =
  | LabelledBatch
  | (() => Iterable<LabelledBatch> | AsyncIterable<LabelledBatch>)
  | { iterator(): Promise<{ next(): Promise<IteratorResult<unknown>> }> };

/** One pass over `data`, at most `batchSize` images of memory at a time. A batch lives until the next is asked for. */
export async function* batchesOf(data: LabelledData, batchSize: number): AsyncGenerator<LabelledBatch> {
  if (typeof data === 'function') yield* disposing(data());
  else if (typeof data !== 'object' || data === null || !('iterator' in data || 'xs' in data))
    throw new TypeError('corruptionReport: clean must be { xs, ys }, a function that returns batches, or a Dataset');
  else if ('iterator' in data) yield* disposing(datasetBatches(data));
  else yield* slices(data, batchSize);
}

async function* slices({ xs, ys }: LabelledBatch, batchSize: number): AsyncGenerator<LabelledBatch> {
  const labels = await classIndices(ys);
  if (labels.length !== xs.shape[0])
    throw new RangeError(`corruptionReport: clean has ${xs.shape[0]} images but ${labels.length} labels`);
  for (let start = 0; start < labels.length; start += batchSize) {
    const end = Math.min(start + batchSize, labels.length);
    const batch = tf.slice(xs, start, end - start);
    try {
      yield { xs: batch, ys: labels.subarray(start, end) };
    } finally {
      batch.dispose();
    }
  }
}

async function* datasetBatches(dataset: Extract<LabelledData, { iterator: unknown }>): AsyncGenerator<LabelledBatch> {
  const iterator = await dataset.iterator();
  for (let item = await iterator.next(); !item.done; item = await iterator.next()) yield item.value as LabelledBatch;
}

/** Passes batches on and disposes each when the next is asked for, or the pass ends early. */
export async function* disposing(
  batches: Iterable<LabelledBatch> | AsyncIterable<LabelledBatch>,
): AsyncGenerator<LabelledBatch> {
  for await (const batch of batches) {
    try {
      yield batch;
    } finally {
      batch.xs.dispose();
      if (batch.ys instanceof tf.Tensor) batch.ys.dispose();
    }
  }
}

/** Labels as class indices on the host; a one-hot (or soft) row becomes its largest entry. */
export async function classIndices(labels: Labels): Promise<Int32Array> {
  if (!(labels instanceof tf.Tensor)) return Int32Array.from(labels as ArrayLike<number>);
  if (labels.rank === 2 && labels.shape[1]! > 1) {
    const indices = tf.argMax(labels, 1);
    try {
      return Int32Array.from(await indices.data());
    } finally {
      indices.dispose();
    }
  }
  return Int32Array.from(await labels.data());
}
