import type * as tf from '@tensorflow/tfjs-core';
import type { Inputs, NestedNumbers } from './inputs';
import type { Labels } from './labels';

/** Examples in memory. Typed arrays hold all examples in row order and need the `shape` of one; they stay on the host. */
export interface InMemoryData {
  readonly xs: Inputs;
  readonly ys: Labels;
  readonly shape?: readonly number[];
}

/** `InMemoryData` whose labels may be missing. */
export interface InMemoryInputs {
  readonly xs: Inputs;
  readonly ys?: Labels;
  readonly shape?: readonly number[];
}

/** Examples by their index: `batch` returns those asked for, in that order, as a batch. Its tensors are disposed. */
export interface RandomAccessData<Batch = InMemoryData> {
  readonly size: number;
  batch(indices: Int32Array): Batch | Promise<Batch>;
}

/**
 * A `tf.data.Dataset` of `{ xs, ys }`, batched or one by one. Its tensors are disposed. Where the rank of the model's
 * input is not known (a model that is a function), single examples are told by a label that is one number.
 */
export interface DatasetLike {
  iterator(): Promise<{ next(): Promise<{ done?: boolean; value: unknown }> }>;
}

/**
 * Batches one after another. Those of an array stay the caller's; the tensors of any other iterable are disposed after
 * use. A generator can be read once; a function starts a new pass each time it is called.
 */
export type BatchSequence<Batch = InMemoryData> =
  | Iterable<Batch>
  | AsyncIterable<Batch>
  | (() => Iterable<Batch> | AsyncIterable<Batch>);

type AnyForm<Batch> = Batch | RandomAccessData<Batch> | DatasetLike | BatchSequence<Batch>;

/** Labelled examples, in any form. Tensors in `{ xs, ys }` and in arrays of it stay the caller's. */
export type Data = AnyForm<InMemoryData>;

/** Examples whose labels are not asked for: any form of `Data`, with or without `ys`, or the inputs alone. */
export type UnlabelledData = tf.Tensor | NestedNumbers | AnyForm<InMemoryInputs>;
