/** One activity at a time: a new one first ends the one under way. */
export interface Activities {
  /** Ends the activity under way and, once it has ended, begins this one; errors go to `onError` unless it was ended. */
  begin(name: string, work: (signal: AbortSignal) => Promise<void>): void;
  end(): void;
}

export function activities(on: {
  /** With the name of what begins, or null when all has ended. */
  readonly change: (name: string | null) => void;
  /** An activity is to end: what it waits for should end early. */
  readonly end: () => void;
  readonly error: (error: Error) => void;
}): Activities {
  let current = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  const end = () => {
    current.abort();
    on.end();
  };
  return {
    end,
    begin(name, work) {
      end();
      const controller = new AbortController();
      current = controller;
      ended = ended.then(async () => {
        if (controller.signal.aborted) return;
        on.change(name);
        try {
          await work(controller.signal);
        } catch (error) {
          if (!controller.signal.aborted) on.error(error as Error);
        } finally {
          if (current === controller) on.change(null);
        }
      });
    },
  };
}
