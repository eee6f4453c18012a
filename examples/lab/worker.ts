/** Training and everything that computes, away from the page: one queue, a step or a task at a time. */
import type { CorruptionName } from '@qgen/corruptions';
import { getBackend } from '@tensorflow/tfjs-core';
import { startBackend } from './backend';
import type { LossPoint, Picture, Reply, Request } from './protocol';
import { openSession, type Session } from './session';

const LANDSCAPE_SIZE = 15;
const STEPS_PER_REPORT = 10;

let session: Session;
let digits: Uint8Array;
let points: LossPoint[] = [];
let training = false;
let speed = 0;
let layer = 0;
let picture: Picture | null = null;
let corruption: { name: CorruptionName; severity: number } = { name: 'gaussian_noise', severity: 3 };
let landscape: AbortController | undefined;

const reply = (message: Reply) => postMessage(message);
const problem = (error: unknown) =>
  reply({ type: 'problem', message: error instanceof Error ? error.message : String(error) });

/** Tasks run one after another, so that nothing touches the model while something else uses it. */
let queue: Promise<void> = Promise.resolve();
function enqueue(task: () => Promise<void>): void {
  queue = queue.then(task).catch(problem);
}

function status(): void {
  reply({
    type: 'status',
    status: { backend: getBackend(), bits: session.bits, step: session.step, training, layers: session.layers, speed },
  });
}

async function report(): Promise<void> {
  points = [...points, await session.losses()];
  reply({ type: 'loss', points });
  reply({ type: 'steps', steps: await session.steps() });
  await showWeights();
  await showPicture();
  status();
}

async function showWeights(): Promise<void> {
  layer = Math.min(layer, session.layers.length - 1);
  reply({ type: 'weights', weights: await session.weights(layer) });
}

async function showPicture(): Promise<void> {
  reply({ type: 'corrupted', ...(await session.corrupted(picture, corruption.name, corruption.severity)) });
}

/** A stretch of training; it queues the next one behind whatever the page has asked for meanwhile. */
async function stretch(): Promise<void> {
  if (!training) return;
  const started = performance.now();
  for (let i = 0; i < STEPS_PER_REPORT && training; i++) {
    await session.trainStep();
    await new Promise((resolve) => setTimeout(resolve));
  }
  speed = (1000 * STEPS_PER_REPORT) / (performance.now() - started);
  await report();
  enqueue(stretch);
}

async function start(backend: string | null): Promise<void> {
  await startBackend(backend, () => enqueue(recover));
  session = openSession(digits);
  points = [];
  await report();
}

/** The GPU was lost, and what lay on it: begin again where it can't be. */
async function recover(): Promise<void> {
  training = false;
  problem('The WebGPU device was lost. The lab goes on with wasm, from new weights.');
  await start('wasm');
}

async function drawLandscape(): Promise<void> {
  landscape = new AbortController();
  const rows: (readonly number[])[] = [];
  const show = (done: boolean) => reply({ type: 'landscape', size: LANDSCAPE_SIZE, rows, done });
  const add = (row: readonly number[]) => {
    rows.push(row);
    show(false);
  };
  try {
    await session.landscape(LANDSCAPE_SIZE, add, landscape.signal);
  } catch (error) {
    if (!landscape.signal.aborted) throw error;
  }
  show(true);
}

const handlers: { readonly [T in Request['type']]: (request: Extract<Request, { type: T }>) => void } = {
  start: ({ backend, digits: url }) =>
    enqueue(async () => {
      digits = new Uint8Array(await (await fetch(url)).arrayBuffer());
      await start(backend);
    }),
  train: () => {
    if (training) return;
    training = true;
    enqueue(stretch);
  },
  stop: () => {
    training = false;
    landscape?.abort();
    enqueue(async () => status());
  },
  reset: () => {
    training = false;
    landscape?.abort();
    enqueue(async () => {
      const { bits } = session;
      session = openSession(digits);
      points = [];
      if (bits !== session.bits) await session.setBits(bits);
      await report();
    });
  },
  bits: ({ bits }) => {
    landscape?.abort();
    enqueue(async () => {
      if (bits === session.bits) return;
      await session.setBits(bits);
      await report();
    });
  },
  layer: (request) => {
    layer = request.layer;
    enqueue(showWeights);
  },
  landscape: () => enqueue(drawLandscape),
  picture: (request) => {
    picture = request.picture;
    enqueue(showPicture);
  },
  corrupt: ({ name, severity }) => {
    corruption = { name, severity };
    enqueue(showPicture);
  },
  model: ({ files }) => {
    training = false;
    enqueue(async () => {
      await session.load(files);
      points = [];
      await report();
    });
  },
};

addEventListener('message', ({ data }: MessageEvent<Request>) =>
  (handlers[data.type] as (request: Request) => void)(data),
);
