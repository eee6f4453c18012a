import { shown } from '../options/shown';

/** How often long work gives the event loop a turn, and how often it reports. Milliseconds. */
const TURN = 30;
const REPORT = 100;

/** The options of every function that may take longer than a second. */
export interface LongWork<Progress> {
  /**
   * Aborting stops the work within a batch, and restores the model first. A search then resolves, with status `aborted` and
   * its best estimate; everything else rejects with `signal.reason`.
   */
  readonly signal?: AbortSignal;
  /** Called several times a second. */
  readonly onProgress?: (progress: Progress) => void;
}

/** The names of the options of `LongWork`. */
export const LONG_WORK_OPTIONS = ['signal', 'onProgress'] as const;

/** Long work under way: cancellable, reporting, and never blocking the page for long. */
export interface RunningWork<Progress> {
  /** Between two batches: throws `signal.reason` if aborted, reports now and then, lets the event loop run. */
  checkpoint(progress?: () => Progress): Promise<void>;
  /** Reports at once. */
  report(progress: Progress): void;
}

/** @throws TypeError unless what is given of `signal` and `onProgress` can be used as such */
export function requireLongWork(caller: string, { signal, onProgress }: LongWork<never>): void {
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new TypeError(`${caller}: signal must be that of an AbortController, got ${shown(signal)}`);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new TypeError(`${caller}: onProgress must be a function, got ${shown(onProgress)}`);
}

export function startWork<Progress>({ signal, onProgress }: LongWork<Progress>): RunningWork<Progress> {
  let lastTurn = performance.now();
  let lastReport = Number.NEGATIVE_INFINITY;
  const report = (progress: Progress) => {
    lastReport = performance.now();
    onProgress?.(progress);
  };
  return {
    report,
    async checkpoint(progress) {
      signal?.throwIfAborted();
      if (progress && onProgress && performance.now() - lastReport >= REPORT) report(progress());
      if (performance.now() - lastTurn < TURN) return;
      await eventLoopTurn();
      lastTurn = performance.now();
      signal?.throwIfAborted();
    },
  };
}

/** Lets the event loop run once. Unlike a timer, a message is neither clamped to 4 ms nor stopped in a hidden tab. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(0);
  });
}
