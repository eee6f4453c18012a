import { type LongWork, type RunningWork, startWork } from './work';

/** How far a piece of work is: batches done, of those expected. */
export interface BatchProgress {
  readonly done: number;
  readonly total: number;
}

/** Starts work that counts its checkpoints, one a batch, so that passes over the data report their progress. */
export function startCountedWork(options: LongWork<BatchProgress>, total: number): RunningWork<unknown> {
  const work = startWork(options);
  let done = 0;
  return {
    checkpoint: () => work.checkpoint(() => ({ done: Math.min(done++, total), total })),
    report: () => work.report({ done: total, total }),
  };
}
