import { createPace, type LongWork, type Pace } from './pace';

/** How far a piece of work is: batches done, of those expected. */
export interface BatchProgress {
  readonly done: number;
  readonly total: number;
}

/** A pace that counts its turns, so that passes over the data report from inside. A batch takes one turn. */
export function countingPace(work: LongWork<BatchProgress>, total: number): Pace<unknown> {
  const pace = createPace(work);
  let done = 0;
  return {
    turn: () => pace.turn(() => ({ done: Math.min(done++, total), total })),
    report: () => pace.report({ done: total, total }),
  };
}
