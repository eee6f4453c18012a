/**
 * Whether training recipes help: short quantization-aware fine-tuning of a ResNet-18 of width 8 and of a small DeiT (patch 4,
 * embed 48, depth 4, 3 heads) on the CIFAR-10 images of `../shared/data`, from one float model a seed, with plain LSQ and
 * with each recipe. Per training the accuracy, the gap (loss on test minus loss on training images), the share of
 * oscillating weights, the seconds, and with HELP_SIGMA the σ of `findSigma`; per recipe the means over seeds, and the means
 * of the differences from plain LSQ at the same seed with Student's 95 % interval.
 *
 * The full size is 10,000 training and 2,000 test images, 20 float epochs and 10 of fine-tuning. Every number can be cut:
 *
 *     HELP_TRAIN HELP_TEST         images
 *     HELP_FLOAT HELP_EPOCHS       epochs in float and of fine-tuning
 *     HELP_MODELS HELP_PRECISIONS  lists, as deit or W2,W2A2
 *     HELP_SEEDS                   how many
 *     HELP_SIGMA                   0 leaves σ out
 *     HELP_MINUTES                 begins no further training after so many
 *
 * Every training is kept under results/does-it-help, by its size, and not run again; `rm -r` that to start anew. Seeds are
 * the outermost loop, so that what is there when time runs out is paired.
 */
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { meanInterval } from '@qgen/core';
import { registerKernels } from '@qgen/kernels';
import {
  anneal,
  annealed,
  distill,
  freezeOscillating,
  oscillationRegularizer,
  oscillations,
  quantizeModel,
  reestimateBatchNorm,
  sharpnessAware,
  softLabels,
  vvtq,
} from '@qgen/lsq';
import { findSigma } from '@qgen/measures';
import { deit, resnet18 } from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import type { Callback, LayersModel } from '@tensorflow/tfjs-layers';

const RESULTS = `${import.meta.dirname}/../results/does-it-help`;
const CIFAR = `${import.meta.dirname}/../../shared/data/cifar-10-batches-bin`;

const number = (name: string, full: number) => Number(process.env[`HELP_${name}`] ?? full);
const list = <Item extends string>(name: string, full: readonly Item[]) =>
  (process.env[`HELP_${name}`]?.split(',') as Item[] | undefined) ?? full;

const SIZE = {
  train: number('TRAIN', 10_000),
  test: number('TEST', 2_000),
  float: number('FLOAT', 20),
  epochs: number('EPOCHS', 10),
};
const [BATCH, RATE] = [64, 1e-3];
const SIGMA_IMAGES = 2_000;
const KEY = Object.values(SIZE).join('-');

const MODELS = {
  resnet: (seed: number) => resnet18({ inputShape: [32, 32, 3], classes: 10, stem: 'cifar', width: 8, seed }),
  deit: (seed: number) => deit({ inputShape: [32, 32, 3], classes: 10, patch: 4, embed: 48, depth: 4, heads: 3, seed }),
} as const;
const PRECISIONS = { W2: { bits: 2 }, W2A2: { bits: 2, activations: 2 } } as const;

type Precision = { readonly bits: number; readonly activations?: number };

interface Data {
  readonly xs: tf.Tensor4D;
  readonly ys: tf.Tensor;
}

/** The model that is fitted in place of the quantized one. */
interface Training {
  readonly model: LayersModel;
  readonly training: LayersModel;
  readonly compile: (optimizer: tf.Optimizer) => void;
  readonly targets: tf.Tensor | tf.Tensor[];
  readonly callbacks?: readonly Callback[];
}

interface Start {
  readonly float: LayersModel;
  readonly precision: Precision;
  readonly train: Data;
  readonly steps: number;
}

const crossEntropy = (labels: tf.Tensor, logits: tf.Tensor): tf.Tensor =>
  tf.neg(tf.mean(tf.sum(tf.mul(labels, tf.logSoftmax(logits)), -1)));

/** The quantized model trained from labels, as it is or with an optimizer or callbacks of its own. */
async function plain(
  { float, precision, train }: Start,
  sharp: (model: LayersModel, optimizer: tf.Optimizer) => tf.Optimizer = (_, optimizer) => optimizer,
  callbacks: (model: LayersModel) => Callback[] = () => [],
): Promise<Training> {
  const model = await quantizeModel(float, precision);
  const compile = (optimizer: tf.Optimizer) =>
    model.compile({ optimizer: sharp(model, optimizer), loss: crossEntropy });
  return { model, training: model, compile, targets: train.ys, callbacks: callbacks(model) };
}

const RECIPES: Readonly<Record<string, (start: Start) => Promise<Training>>> = {
  lsq: (start) => plain(start),
  sam: (start) => plain(start, (model, optimizer) => sharpnessAware(model, optimizer)),
  saq: (start) => plain(start, (model, optimizer) => sharpnessAware(model, optimizer, { perturb: 'quantized' })),
  bins: (start) =>
    plain(start, undefined, (model) => {
      const regularizer = oscillationRegularizer(model, { kind: 'bins', weight: 0 });
      const schedule = annealed({ from: 0, to: 0.01, total: start.steps, start: start.steps / 4 });
      return [anneal(regularizer, 'weight', schedule, 'batch')];
    }),
  freezing: (start) =>
    plain(start, undefined, (model) => {
      const from = start.steps / 4;
      const freezer = freezeOscillating(model, { threshold: 0.04, start: from });
      const schedule = annealed({ from: 0.04, to: 0.01, total: start.steps, start: from });
      return [freezer, anneal(freezer, 'threshold', schedule, 'batch')];
    }),
  distillation: async ({ float, precision, train }) => {
    const model = await quantizeModel(float, precision);
    const training = distill(model, { targets: 'probabilities' });
    const targets = [train.ys, await softLabels(float, train.xs, { batchSize: 250 })];
    return { model, training, compile: (optimizer) => training.compile({ optimizer }), targets };
  },
  vvtq: async ({ float, precision, train }) => {
    const { model, training, callbacks, teacherLabels } = await vvtq(float, { ...precision, epochs: SIZE.epochs });
    const targets = [train.ys, await teacherLabels(train.xs)];
    return { model, training, compile: (optimizer) => training.compile({ optimizer }), targets, callbacks };
  },
};

interface Outcome {
  readonly accuracy: number;
  readonly gap: number;
  readonly oscillating: number;
  readonly sigma: number | null;
  readonly seconds: number;
}

const COLUMNS = ['accuracy', 'gap', 'oscillating', 'sigma', 'seconds'] as const;

export async function run(): Promise<Record<string, unknown>> {
  if (!existsSync(CIFAR)) return { left: 'out: ../shared/data is not at hand' };
  await tf.setBackend('wasm');
  await tf.ready();
  await registerKernels();
  mkdirSync(RESULTS, { recursive: true });
  const deadline = performance.now() + 60_000 * number('MINUTES', 720);
  const found = new Map<string, Map<string, Outcome[]>>();
  for (let seed = 0; seed < number('SEEDS', 3); seed++)
    for (const kind of list('MODELS', ['resnet', 'deit']))
      for (const precision of list('PRECISIONS', ['W2', 'W2A2']))
        for (const recipe of Object.keys(RECIPES)) {
          const name = `${kind}-${precision}-${recipe}-${seed}`;
          const outcome = await kept(name, deadline, () => trial(kind, PRECISIONS[precision], recipe, seed));
          if (!outcome) continue;
          const group = found.get(`${kind} ${precision}`) ?? new Map<string, Outcome[]>();
          group.set(recipe, [...(group.get(recipe) ?? []), outcome]);
          found.set(`${kind} ${precision}`, group);
        }
  const tables = Object.fromEntries([...found].map(([group, recipes]) => [group, table(recipes)]));
  const processorSeconds = Math.round(process.cpuUsage().user / 1e6);
  return { size: SIZE, ...tables, processorSeconds };
}

/** Means over seeds, and mean differences from plain LSQ with half of their 95 % interval. */
function table(recipes: ReadonlyMap<string, readonly Outcome[]>): object {
  const base = recipes.get('lsq')!;
  return Object.fromEntries(
    [...recipes].map(([recipe, outcomes]) => [
      recipe,
      Object.fromEntries(
        COLUMNS.filter((column) => outcomes.every((outcome) => outcome[column] !== null)).map((column) => {
          const values = outcomes.map((outcome) => outcome[column]!);
          const { mean } = meanInterval(values);
          const paired = meanInterval(values.map((value, i) => value - base[i]![column]!));
          const difference = recipe === 'lsq' ? [] : [rounded(paired.mean), rounded(paired.halfWidth)];
          return [column, [rounded(mean), ...difference]];
        }),
      ),
    ]),
  );
}

async function kept(name: string, deadline: number, work: () => Promise<Outcome>): Promise<Outcome | null> {
  const file = `${RESULTS}/${KEY}-${name}.json`;
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  if (performance.now() > deadline) return null;
  const outcome = await work();
  writeFileSync(file, JSON.stringify(outcome));
  console.error(name, JSON.stringify(outcome));
  return outcome;
}

async function trial(kind: keyof typeof MODELS, precision: Precision, recipe: string, seed: number): Promise<Outcome> {
  const [train, test] = [images('data_batch_', 5, SIZE.train), images('test_batch', 1, SIZE.test)];
  const float = await floatModel(kind, seed, train);
  shuffleFrom(seed);
  const started = process.cpuUsage().user;
  const steps = SIZE.epochs * Math.ceil(SIZE.train / BATCH);
  const {
    model,
    training,
    compile,
    targets,
    callbacks = [],
  } = await RECIPES[recipe]!({ float, precision, train, steps });
  const optimizer = tf.train.adam(RATE);
  compile(optimizer);
  const counter = recipe === 'freezing' ? [] : [freezeOscillating(model, { threshold: 0 })];
  const rate = anneal(optimizer, 'learningRate', annealed({ from: RATE, to: 0, total: steps }), 'batch');
  await training.fit(train.xs, targets, {
    epochs: SIZE.epochs,
    batchSize: BATCH,
    verbose: 0,
    yieldEvery: 'never',
    callbacks: [...callbacks, ...counter, rate],
  });
  const seconds = (process.cpuUsage().user - started) / 1e6;
  const kernels = await oscillations(model);
  const weights = kernels.reduce((sum, kernel) => sum + kernel.weights, 0);
  const oscillating = kernels.reduce((sum, { oscillatingShare, weights }) => sum + oscillatingShare * weights, 0);
  for (const callback of [...callbacks, ...counter]) (callback as { finish?(): void }).finish?.();
  if (kind === 'resnet') await reestimateBatchNorm(model, train.xs, 50, { batchSize: BATCH });
  const [onTrain, onTest] = [score(model, train), score(model, test)];
  const sigma = number('SIGMA', 1) ? await sigmaOf(model, train) : null;
  const result = {
    accuracy: onTest.accuracy,
    gap: onTest.loss - onTrain.loss,
    oscillating: oscillating / weights,
    sigma,
    seconds,
  };
  model.dispose();
  float.dispose();
  optimizer.dispose();
  tf.dispose([Object.values(train), Object.values(test), targets]);
  return result;
}

/** σ over the first training images, to a tenth. */
async function sigmaOf(model: LayersModel, { xs, ys }: Data): Promise<number | null> {
  const count = Math.min(SIGMA_IMAGES, xs.shape[0]);
  const first = tf.tidy(() => ({
    xs: tf.slice(xs, 0, count),
    ys: tf.argMax(tf.slice(ys, 0, count), -1) as tf.Tensor1D,
  }));
  const { value } = await findSigma(model, first, { relativeTolerance: 0.1 });
  tf.dispose(Object.values(first));
  return value;
}

/** The float model of a seed, trained once and read from its file then. */
async function floatModel(kind: keyof typeof MODELS, seed: number, train: Data): Promise<LayersModel> {
  const file = `${RESULTS}/${KEY}-${kind}-float-${seed}.json`;
  const model = MODELS[kind](seed);
  if (existsSync(file)) {
    const values: number[][] = JSON.parse(readFileSync(file, 'utf8'));
    tf.tidy(() => model.setWeights(model.getWeights().map(({ shape }, i) => tf.tensor(values[i]!, shape))));
    return model;
  }
  shuffleFrom(seed);
  const optimizer = tf.train.adam(RATE);
  model.compile({ optimizer, loss: crossEntropy });
  const steps = SIZE.float * Math.ceil(SIZE.train / BATCH);
  await model.fit(train.xs, train.ys, {
    epochs: SIZE.float,
    batchSize: BATCH,
    verbose: 0,
    yieldEvery: 'never',
    callbacks: [anneal(optimizer, 'learningRate', annealed({ from: RATE, to: 0, total: steps }), 'batch')],
  });
  optimizer.dispose();
  writeFileSync(file, JSON.stringify(model.getWeights().map((weight) => Array.from(weight.dataSync()))));
  console.error(`${kind} float ${seed}`, score(model, train));
  return model;
}

function score(model: LayersModel, { xs, ys }: Data): { readonly accuracy: number; readonly loss: number } {
  return tf.tidy(() => {
    const logits = model.predict(xs, { batchSize: 250 }) as tf.Tensor;
    const right = tf.equal(tf.argMax(logits, -1), tf.argMax(ys, -1));
    return {
      accuracy: tf.mean(tf.cast(right, 'float32')).dataSync()[0]!,
      loss: crossEntropy(ys, logits).dataSync()[0]!,
    };
  });
}

/** The first images of the files of a name, in [-1, 1], with one-hot labels. */
function images(name: string, files: number, count: number): Data {
  const paths = files === 1 ? [name] : Array.from({ length: files }, (_, i) => `${name}${i + 1}`);
  const bytes = Buffer.concat(paths.map((path) => readFileSync(`${CIFAR}/${path}.bin`)));
  const xs = new Float32Array(count * 3072);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = bytes[i * 3073]!;
    for (let channel = 0; channel < 3; channel++)
      for (let pixel = 0; pixel < 1024; pixel++)
        xs[i * 3072 + pixel * 3 + channel] = bytes[i * 3073 + 1 + channel * 1024 + pixel]! / 127.5 - 1;
  }
  const ys = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), 10), 'float32'));
  return { xs: tf.tensor4d(xs, [count, 32, 32, 3]), ys };
}

/** `fit` shuffles by Math.random: from here on by the generator of Numerical Recipes (3rd edition, section 7.1). */
function shuffleFrom(seed: number): void {
  let state = seed;
  Math.random = () => {
    state = (1664525 * state + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const rounded = (value: number): number => Number(value.toFixed(4));
