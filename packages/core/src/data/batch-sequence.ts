import { type Batch, disposeItem, readBatch } from './batch';
import type { BatchSequence, DatasetLike } from './data';
import type { Expected } from './expected';

/** Data that come batch by batch: a dataset, an iterable, or a function that starts one. */
export type Sequence = DatasetLike | BatchSequence<unknown>;

export function isSequence(data: unknown): data is Sequence {
  if (typeof data === 'function') return true;
  if (typeof data !== 'object' || data === null) return false;
  return 'iterator' in data || Symbol.iterator in data || Symbol.asyncIterator in data;
}

/** Whether this is an iterator, of which there is but one pass. */
export function isReadOnce(data: Sequence): boolean {
  if (typeof data === 'function' || 'iterator' in data) return false;
  return Symbol.iterator in data
    ? (data[Symbol.iterator]() as unknown) === data
    : (data[Symbol.asyncIterator]() as unknown) === data;
}

/**
 * One pass over a sequence. The tensors that it yields are disposed, but not those of an array; the `xs` of a batch is a
 * tensor of its own, which whoever takes it disposes.
 */
export async function* readSequence(data: Sequence, caller: string, expected: Expected): AsyncGenerator<Batch> {
  for await (const item of itemsOf(data)) {
    try {
      yield await readBatch(item, caller, expected);
    } finally {
      if (!Array.isArray(data)) disposeItem(item);
    }
  }
}

async function* itemsOf(data: Sequence): AsyncGenerator<unknown> {
  if (typeof data === 'function') yield* data();
  else if ('iterator' in data) {
    const iterator = await data.iterator();
    for (let item = await iterator.next(); !item.done; item = await iterator.next()) yield item.value;
  } else yield* data;
}
