/** How often a long piece of work gives the event loop a turn, and how often it reports. Milliseconds. */
const TURN = 30;
const REPORT = 100;

/** What every long piece of work accepts. */
export interface LongWork<Progress> {
  /** Aborting stops the work within a batch; the model is restored first. */
  readonly signal?: AbortSignal;
  /** Called several times a second. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Keeps a long piece of work polite: cancellable, reporting, and never in the way of the page. */
export interface Pace<Progress> {
  /** Between two batches: throws `signal.reason` if aborted, reports now and then, lets the event loop run. */
  turn(progress?: () => Progress): Promise<void>;
  /** Reports at once. */
  report(progress: Progress): void;
}

export function createPace<Progress>({ signal, onProgress }: LongWork<Progress>): Pace<Progress> {
  let lastTurn = performance.now();
  let lastReport = Number.NEGATIVE_INFINITY;
  const report = (progress: Progress) => {
    lastReport = performance.now();
    onProgress?.(progress);
  };
  return {
    report,
    async turn(progress) {
      signal?.throwIfAborted();
      if (progress && onProgress && performance.now() - lastReport >= REPORT) report(progress());
      if (performance.now() - lastTurn < TURN) return;
      await eventLoop();
      lastTurn = performance.now();
      signal?.throwIfAborted();
    },
  };
}

/** A turn of the event loop; unlike timers, neither clamped to 4 ms nor stopped in a hidden tab. */
function eventLoop(): Promise<void> {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(0);
  });
}
