/** Everything that computes, away from the page: one queue, a task at a time, for the networks of this worker. */
import { startBackend } from './nets/backend';
import { type Digits, unpackDigits } from './nets/digits';
import { distort } from './nets/distort';
import { type Net, openNet } from './nets/net';
import type { Bits, Call, Reply, Tasks } from './protocol';

let digits: Digits;
let stopping = new AbortController();
const nets = new Map<Bits, Net>();
const ready = new Map<Bits, Net>();

const tasks: Tasks = {
  async start(backend, bytes) {
    const name = await startBackend(backend, () => reply({ type: 'lost' }));
    digits = unpackDigits(bytes);
    return name;
  },
  async open(bits, origin) {
    ready.get(bits)?.dispose();
    ready.delete(bits);
    const net = await openNet(bits, origin, digits);
    ready.set(bits, net);
    return net.kernels;
  },
  async adopt(bits, keep) {
    const net = ready.get(bits);
    ready.delete(bits);
    if (!keep) return net?.dispose();
    nets.get(bits)?.dispose();
    nets.set(bits, net!);
  },
  train: (bits, until, examples) => nets.get(bits)!.train(until, examples),
  look: (bits, kernel, picture) => nets.get(bits)!.look(kernel, picture),
  sigma: (bits) => nets.get(bits)!.sigma(stopping.signal),
  row: (bits, index, size) => nets.get(bits)!.row(index, size),
  distort: (picture, name, severity) => distort(picture, digits.test, { name, severity }),
  async stop() {
    stopping.abort();
    stopping = new AbortController();
  },
};

const reply = (message: Reply) => postMessage(message);

async function perform({ id, task, args }: Call): Promise<void> {
  try {
    const result = await (tasks[task] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
    reply({ type: 'done', id, result });
  } catch (error) {
    reply({ type: 'failed', id, message: error instanceof Error ? error.message : String(error) });
  }
}

/** Tasks run one after another, so that nothing touches a network while something else uses it. */
let queue: Promise<void> = Promise.resolve();
addEventListener('message', ({ data }: MessageEvent<Call>) => {
  if (data.task === 'stop') perform(data);
  else queue = queue.then(() => perform(data));
});
