/** The page: its controls, and the order in which the four networks are opened, trained and measured. */
import { CORRUPTIONS, type CorruptionName } from '@qgen/corruptions';
import { activities } from './activities';
import { type Distorted, type LossPoint, type ModelFiles, type Origin, type Picture, PRECISIONS } from './protocol';
import { board, type Measured } from './view/board';
import { readPicture } from './view/picture';
import { type Loss, openWorkers, type Workers } from './workers';

const get = <E extends HTMLElement>(id: string) => document.getElementById(id) as E;
const parameters = new URLSearchParams(location.search);
/** A whole number from the address of the page, `?name=`, or what the lab takes unless told. */
const whole = (name: string, otherwise: number) => {
  const given = Number(parameters.get(name));
  return Number.isSafeInteger(given) && given > 1 ? given : otherwise;
};
/** Steps that Train takes before it measures, and between two looks at most. */
const STEPS = whole('steps', 600);
const STEPS_PER_LOOK = 20;
/** Rows of a landscape, up to 101, and examples behind each loss: up to the 1,000 to test on. */
const ROWS = Math.min(101, whole('rows', 15));
const EXAMPLES = Math.min(1000, whole('examples', 500));

const view = board();
const [train, stop, measure, reset, another] = ['train', 'stop', 'measure', 'reset', 'another'].map((id) =>
  get<HTMLButtonElement>(id),
);
const [layer, corruption] = ['layer', 'corruption'].map((id) => get<HTMLSelectElement>(id));
const [model, picture, severity] = ['model', 'picture', 'severity'].map((id) => get<HTMLInputElement>(id));
const progress = get<HTMLProgressElement>('progress');
corruption.append(...CORRUPTIONS.map((name) => new Option(name.replaceAll('_', ' '), name)));

let workers: Workers | undefined;
let digits: Uint8Array;
let origin: Origin = { seed: 1 };
let kernels: readonly string[] = [];
let histories: LossPoint[][] = PRECISIONS.map(() => []);
let shown: Picture | number = 1;

const step = () => histories[0][histories[0].length - 1]?.step ?? 0;

function showProblem(message: string): void {
  get('problem').textContent = message;
  get('problem').hidden = false;
}
function fail(error: Error): void {
  if (error.name !== 'AbortError') showProblem(error.message);
}

const doing = activities({
  change(name) {
    const ready = workers !== undefined;
    get('status').textContent = name ?? (ready ? `Ready at step ${step()}` : 'Not running');
    document.querySelector('main')!.ariaBusy = String(name === 'Starting …');
    progress.hidden = name === null;
    get('speed').textContent = '';
    for (const button of [train, measure, reset, model, another, picture, corruption, severity, layer])
      button.disabled = !ready;
    train.disabled ||= name === 'Training';
    measure.disabled ||= name === 'Measuring';
    stop.disabled = name !== 'Training' && name !== 'Measuring';
    if (ready)
      get('machine').textContent =
        `Backend ${workers!.backend} · ${workers!.count} ${workers!.count === 1 ? 'worker' : 'workers'} · ${'seed' in origin ? `the lab's own network, weights ${origin.seed}` : 'your model'}`;
  },
  end: () => workers?.stop(),
  error: fail,
});

/** Draws what changes with the layer, the picture and the distortion; what is asked for meanwhile is drawn after. */
let [looking, lookAgain] = [false, false];
async function look(): Promise<void> {
  lookAgain = true;
  if (looking) return;
  looking = true;
  try {
    while (lookAgain && workers) {
      lookAgain = false;
      const name = corruption.value as CorruptionName;
      const distorted: Distorted = await workers.distort(shown, name, Number(severity.value));
      const kernel = Math.max(0, layer.selectedIndex);
      const looks = await workers.each('look', kernel, distorted.corrupted);
      view.looks(kernels, looks, distorted);
    }
  } catch (error) {
    fail(error as Error);
  } finally {
    looking = false;
  }
}

/** Takes networks into use once all four are ready; if one is refused all stay as they were. */
async function open(from: Origin): Promise<void> {
  let opened: readonly (readonly string[])[];
  try {
    opened = await workers!.each('open', from);
  } catch (error) {
    await workers!.each('adopt', false);
    throw error;
  }
  await workers!.each('adopt', true);
  origin = from;
  kernels = opened[0];
  layer.replaceChildren(...kernels.map((name) => new Option(name)));
  histories = PRECISIONS.map(() => []);
  view.measured(null);
  await trainTo(0);
}

async function trainTo(until: number): Promise<void> {
  const points = await workers!.each('train', until, EXAMPLES);
  histories = histories.map((history, i) => [...history.filter((past) => past.step < points[i].step), points[i]]);
  view.curves(histories);
  await look();
}

async function start(backend: string | null): Promise<void> {
  workers = undefined;
  workers = await openWorkers(backend, digits, recover);
  await open(origin);
}

/** The workers are gone. Without a GPU the lab begins again; without workers it can't. */
function recover(loss: Loss): void {
  workers = undefined;
  if (loss.type === 'device') {
    showProblem('The WebGPU device was lost. The lab begins again with wasm, from the same weights.');
    doing.begin('Starting …', () => start('wasm'));
  } else {
    showProblem(`A worker ended: ${loss.message}. Reload the page to begin again.`);
    doing.end();
    doing.begin('Not running', async () => {});
  }
}

async function trainAndMeasure(signal: AbortSignal): Promise<void> {
  const goal = step() + STEPS;
  // A look a second or more, so that large models show what they do, and stop soon.
  let pace = 1;
  while (step() < goal && !signal.aborted) {
    const [from, started] = [step(), performance.now()];
    await trainTo(Math.min(goal, from + pace));
    if (signal.aborted) return;
    progress.value = 1 - (goal - step()) / STEPS;
    const speed = (1000 * (step() - from)) / (performance.now() - started);
    pace = Math.min(STEPS_PER_LOOK, Math.max(1, Math.floor(speed)));
    get('speed').textContent = `step ${step()}, ${speed.toFixed(0)} steps a second`;
  }
  if (!signal.aborted) doing.begin('Measuring', measureAll);
}

async function measureAll(signal: AbortSignal): Promise<void> {
  progress.value = 0;
  let measured: Measured = { step: step(), sigmas: [], rows: PRECISIONS.map(() => []), size: ROWS };
  for (let i = 0; i < ROWS && !signal.aborted; i++) {
    const next = await workers!.each('row', i, ROWS);
    measured = { ...measured, rows: measured.rows.map((rows, k) => [...rows, next[k]]) };
    view.measured(measured);
    progress.value = (i + 1) / (ROWS + 5);
  }
  if (signal.aborted) return;
  const sigmas = await workers!.each('sigma');
  if (!signal.aborted) view.measured({ ...measured, sigmas });
}

train.onclick = () => doing.begin('Training', trainAndMeasure);
measure.onclick = () => doing.begin('Measuring', measureAll);
stop.onclick = () => doing.end();
reset.onclick = () => {
  const seed = 'seed' in origin ? origin.seed + 1 : 1;
  doing.begin('Starting …', () => open({ seed }));
};
layer.onchange = corruption.onchange = look;
severity.oninput = () => {
  get('severity-value').textContent = severity.value;
  look();
};
another.onclick = () => {
  shown = typeof shown === 'number' ? shown + 1 : 0;
  look();
};
picture.onchange = () =>
  withFiles(picture, async ([file]) => {
    shown = await readPicture(file);
    await look();
  });
model.onchange = () =>
  withFiles(model, async (files) => {
    const read = await modelFiles(files);
    doing.begin('Opening your model', () => open(read));
  });

async function withFiles(input: HTMLInputElement, use: (files: File[]) => Promise<void>): Promise<void> {
  const files = [...(input.files ?? [])];
  input.value = '';
  get('problem').hidden = true;
  if (files.length) await use(files).catch(fail);
}

async function modelFiles(files: readonly File[]): Promise<ModelFiles> {
  const description = files.find(({ name }) => name.endsWith('.json'));
  if (!description) throw new Error('a model is a model.json and its .bin files; choose them together');
  const weights = files.filter((file) => file !== description);
  return {
    topology: await description.text(),
    weights: await Promise.all(weights.map(async (file) => ({ name: file.name, bytes: await file.arrayBuffer() }))),
  };
}

// ?backend=wasm or cpu starts there; ?backend=webgpu accepts a GPU made of software too.
doing.begin('Starting …', async () => {
  const address = new URL('./digits.bin', location.href);
  const response = await fetch(address).catch(() => undefined);
  if (!response?.ok)
    throw new Error(
      `The digits could not be loaded from ${address.pathname} (${response?.status ?? 'no answer'}); reload the page`,
    );
  digits = new Uint8Array(await response.arrayBuffer());
  await start(parameters.get('backend'));
});
