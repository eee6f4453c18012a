import { type Bits, type Call, PRECISIONS, type Reply, type Tasks } from './protocol';

type Method<T extends keyof Tasks> = (...args: Parameters<Tasks[T]>) => ReturnType<Tasks[T]>;
type OfNet = 'open' | 'adopt' | 'train' | 'look' | 'sigma' | 'row';
type Rest<T extends OfNet> = Parameters<Tasks[T]> extends [Bits, ...infer Others] ? Others : never;

/** The workers of the page, with the four networks shared out among them. */
export interface Workers {
  readonly count: number;
  readonly backend: string;
  /** A task for the first worker. */
  readonly distort: Method<'distort'>;
  /** One task for each network, in the order of `PRECISIONS`; waits for all and then throws what the first threw. */
  each<T extends OfNet>(task: T, ...args: Rest<T>): Promise<Awaited<ReturnType<Tasks[T]>>[]>;
  stop(): void;
  /** Ends the workers; calls under way reject with an AbortError. */
  close(): void;
}

/** What the page can't go on from with these workers: a lost GPU device, or a worker that ended. */
export type Loss = { readonly type: 'device' } | { readonly type: 'worker'; readonly message: string };

interface Asked {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Starts a worker for each network, or for each core where there are fewer, on one backend. */
export async function openWorkers(
  backend: string | null,
  digits: Uint8Array,
  onLoss: (loss: Loss) => void,
): Promise<Workers> {
  const count = Math.min(PRECISIONS.length, navigator.hardwareConcurrency || 2);
  const asked = new Map<number, Asked>();
  let calls = 0;
  let open = true;
  const lose = (loss: Loss) => {
    if (!open) return;
    close();
    onLoss(loss);
  };
  const workers = Array.from({ length: count }, () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onerror = ({ message }) => lose({ type: 'worker', message: message || 'it could not be started' });
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if (data.type === 'lost') return lose({ type: 'device' });
      const call = asked.get(data.id);
      asked.delete(data.id);
      if (data.type === 'done') call?.resolve(data.result);
      else call?.reject(new Error(data.message));
    };
    return worker;
  });

  function close(): void {
    open = false;
    for (const worker of workers) worker.terminate();
    for (const { reject } of asked.values()) reject(new DOMException('the workers were closed', 'AbortError'));
    asked.clear();
  }

  function call<T extends keyof Tasks>(worker: number, task: T, ...args: Parameters<Tasks[T]>): ReturnType<Tasks[T]> {
    return new Promise((resolve, reject) => {
      if (!open) return reject(new DOMException('the workers were closed', 'AbortError'));
      const id = calls++;
      asked.set(id, { resolve, reject });
      workers[worker].postMessage({ id, task, args } satisfies Call);
    }) as ReturnType<Tasks[T]>;
  }

  try {
    const backends = await Promise.all(workers.map((_, i) => call(i, 'start', backend, digits)));
    return {
      count,
      backend: [...new Set(backends)].join(' and '),
      distort: (...args) => call(0, 'distort', ...args),
      async each(task, ...args) {
        const answers = await Promise.allSettled(
          PRECISIONS.map((bits, i) =>
            call(i % count, task, ...([bits, ...args] as unknown as Parameters<Tasks[typeof task]>)),
          ),
        );
        const failed = answers.find((answer) => answer.status === 'rejected');
        if (failed) throw failed.reason;
        return answers.map((answer) => (answer as PromiseFulfilledResult<never>).value);
      },
      stop: () => workers.forEach((_, i) => void call(i, 'stop').catch(() => {})),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
