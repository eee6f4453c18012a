import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../shared/usage-error';
import { noteFailure } from '../folder/failures';
import type { FromWorker, ToWorker } from './messages';
import type { Progress } from './progress';

export interface Outcome {
  readonly done: readonly string[];
  readonly diverged: readonly string[];
  /** Computed by another process at the time. */
  readonly taken: readonly string[];
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
}

/** A worker that dies is replaced; this many in a row without a trial finished, and there is something wrong with all. */
const DEATHS = 3;

/**
 * Computes trials on so many worker processes, each of which takes the next one as soon as it is free. A trial whose worker
 * dies is noted as failed, and the others go on in a new one. Throws a UsageError if no worker can compute at all.
 */
export function coordinate(out: string, ids: readonly string[], workers: number, progress: Progress): Promise<Outcome> {
  const queue = [...ids];
  const outcome = {
    done: [] as string[],
    diverged: [] as string[],
    taken: [] as string[],
    failed: [] as Outcome['failed'][number][],
  };
  let deaths = 0;
  let living = 0;
  return new Promise((resolve, reject) => {
    const children = new Set<ChildProcess>();
    const giveUp = (error: Error) => {
      for (const child of children) child.kill();
      reject(error);
    };
    const start = () => {
      const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [out], {
        execArgv: process.execArgv,
        // A worker says what it has to say in messages; TensorFlow's own lines would tear the bar.
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      });
      children.add(child);
      living++;
      let current: string | undefined;
      const next = () => {
        current = queue.shift();
        child.send((current === undefined ? { kind: 'end' } : { kind: 'run', id: current }) satisfies ToWorker);
      };
      child.on('message', (message: FromWorker) => {
        if (message.kind === 'unfit') return giveUp(new UsageError(message.reason));
        if (message.kind === 'stage') return progress.stage(message.id, message.stage, message.share);
        if (message.kind === 'ready') progress.computing(message.computing);
        else {
          deaths = 0;
          if (message.kind === 'failed') outcome.failed.push({ id: message.id, reason: message.reason });
          else if (message.kind === 'taken') outcome.taken.push(message.id);
          else {
            outcome.done.push(message.id);
            if (message.outcome === 'diverged') outcome.diverged.push(message.id);
          }
          progress.finished(message.id);
        }
        next();
      });
      child.on('exit', (code, signal) => {
        children.delete(child);
        living--;
        if (current !== undefined) {
          const reason = `its worker ended with ${signal ?? `exit code ${code}`} before it was finished`;
          noteFailure(out, current, reason);
          outcome.failed.push({ id: current, reason });
          progress.finished(current);
          if (++deaths >= DEATHS) return giveUp(new UsageError(`${deaths} workers in a row died; the last: ${reason}`));
        }
        if (queue.length > 0 && living < workers) start();
        else if (living === 0) resolve(outcome);
      });
    };
    if (queue.length === 0) return resolve(outcome);
    for (let i = 0; i < Math.min(workers, ids.length); i++) start();
  });
}
