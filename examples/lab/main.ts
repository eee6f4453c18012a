/** The page: controls to the worker, what the worker tells to the page. */
import { CORRUPTIONS, type CorruptionName } from '@qgen/corruptions';
import { lossChart, probabilityChart, stepChart, weightChart } from './charts';
import { drawPicture, readPicture } from './picture';
import { PRECISIONS, type Reply, type Request, type Status } from './protocol';
import { surface } from './surface';

const get = <E extends HTMLElement>(id: string) => document.getElementById(id) as E;
const [train, stop, reset, draw] = ['train', 'stop', 'reset', 'draw'].map((id) => get<HTMLButtonElement>(id));
const [bits, severity] = ['bits', 'severity'].map((id) => get<HTMLInputElement>(id));
const [layer, corruption] = ['layer', 'corruption'].map((id) => get<HTMLSelectElement>(id));
const landscape = surface(get('landscape'));

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const ask = (request: Request) => worker.postMessage(request);
worker.addEventListener('error', ({ message }) => showProblem(message || 'The worker could not be started.'));

const precision = (value: number) => (value === 32 ? '32 (float)' : String(value));
get('precisions').append(...PRECISIONS.map((value, i) => new Option(String(value), String(i))));
corruption.append(...CORRUPTIONS.map((name) => new Option(name.replaceAll('_', ' '), name)));

train.onclick = () => ask({ type: 'train' });
stop.onclick = () => ask({ type: 'stop' });
reset.onclick = () => ask({ type: 'reset' });
draw.onclick = () => {
  get('landscape-state').textContent = 'drawing …';
  ask({ type: 'landscape' });
};
bits.oninput = () => {
  get('bits-value').textContent = precision(PRECISIONS[Number(bits.value)]);
};
bits.onchange = () => ask({ type: 'bits', bits: PRECISIONS[Number(bits.value)] });
layer.onchange = () => ask({ type: 'layer', layer: layer.selectedIndex });
corruption.onchange = severity.oninput = () => {
  get('severity-value').textContent = severity.value;
  ask({ type: 'corrupt', name: corruption.value as CorruptionName, severity: Number(severity.value) });
};
get<HTMLInputElement>('picture').onchange = ({ target }) =>
  withFiles(target as HTMLInputElement, async ([file]) => ask({ type: 'picture', picture: await readPicture(file) }));
get<HTMLInputElement>('model').onchange = ({ target }) =>
  withFiles(target as HTMLInputElement, async (files) => {
    const description = files.find(({ name }) => name.endsWith('.json'));
    if (!description) throw new Error('a model is a model.json and its .bin files; choose them together');
    const weights = files.filter((file) => file !== description);
    ask({
      type: 'model',
      files: {
        topology: await description.text(),
        weights: await Promise.all(weights.map(async (file) => ({ name: file.name, bytes: await file.arrayBuffer() }))),
      },
    });
  });

async function withFiles(input: HTMLInputElement, use: (files: File[]) => Promise<void>): Promise<void> {
  const files = [...(input.files ?? [])];
  input.value = '';
  get('problem').hidden = true;
  if (files.length) await use(files).catch((error: Error) => showProblem(error.message));
}

function showProblem(message: string): void {
  get('problem').textContent = message;
  get('problem').hidden = false;
}

function showStatus({ backend, bits: now, step, training, layers, speed }: Status): void {
  const doing = training ? `training, ${speed.toFixed(0)} steps a second` : 'waiting';
  get('status').textContent = `Backend ${backend} · ${precision(now)} bits · step ${step} · ${doing}`;
  train.disabled = training;
  stop.disabled = !training;
  if (layer.options.length !== layers.length) layer.replaceChildren(...layers.map((name) => new Option(name)));
}

const show: { readonly [T in Reply['type']]: (reply: Extract<Reply, { type: T }>) => void } = {
  status: ({ status }) => showStatus(status),
  loss: ({ points }) => {
    const { train, test, accuracy } = points[points.length - 1];
    get('loss').replaceChildren(lossChart(points));
    get('numbers').textContent =
      `training ${train.toFixed(3)} · test ${test.toFixed(3)} · gap ${(test - train).toFixed(3)} · ${(100 * accuracy).toFixed(1)} % right`;
  },
  steps: ({ steps }) => get('steps').replaceChildren(stepChart(steps)),
  weights: ({ weights }) => get('weights').replaceChildren(weightChart(weights)),
  landscape: ({ rows, size, done }) => {
    landscape.show(rows, size);
    get('landscape-state').textContent = done ? `${rows.length} of ${size} rows` : `row ${rows.length} of ${size} …`;
  },
  corrupted: ({ clean, corrupted, probabilities }) => {
    drawPicture(get('clean'), clean);
    drawPicture(get('corrupted'), corrupted);
    get('probabilities').replaceChildren(probabilityChart(probabilities));
  },
  problem: ({ message }) => showProblem(message),
};
worker.addEventListener('message', ({ data }: MessageEvent<Reply>) =>
  (show[data.type] as (reply: Reply) => void)(data),
);

// ?backend=wasm or cpu starts there; ?backend=webgpu accepts a GPU made of software too.
ask({
  type: 'start',
  backend: new URLSearchParams(location.search).get('backend'),
  digits: new URL('./digits.bin', location.href).href,
});
