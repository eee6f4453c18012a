/**
 * Whether steps are better trained in their own units ('absolute', the LSQ paper) or as a share of their start
 * ('relative'): accuracy, and whether training drives a step through zero.
 *
 *     readme      the program of packages/lsq/README.md, 10 seeds, both starts
 *     optimizers  the same program under every optimizer of tfjs at three rates, 3 seeds; rates at which the float model
 *                 itself does not learn are left out
 *     cifar       a small convolutional net on `../shared/data`, trained in float and then quantized: W2, W4, W2A2, W4A4,
 *                 momentum and Adam, their rates falling to 0 on a straight line, 3 seeds; under Adam also with a
 *                 stepLearningRateMultiplier of 10
 *
 * Every training is kept under results/step-scale and not run again; `rm -r` that to start anew.
 */
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { registerKernels } from '@qgen/kernels';
import { type QuantizeOptions, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { initializers, type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';

const RESULTS = `${import.meta.dirname}/../results/step-scale`;
const CIFAR = `${import.meta.dirname}/../../shared/data/cifar-10-batches-bin`;
const SCALES = ['relative', 'absolute'] as const;

type Scale = (typeof SCALES)[number];

interface Data {
  readonly xs: tf.Tensor;
  readonly ys: tf.Tensor;
}

/** The outcome of one training. */
interface Outcome {
  /** Share of the test examples that are classified right. */
  readonly accuracy: number;
  /** Mean loss over the training examples at the end. */
  readonly loss: number;
  /** Whether a step of a kernel was negative after any update. */
  readonly crossed: boolean;
  /** The smallest ‖ŵ‖ / ‖w‖ of a kernel at the end: near zero, the layer is dead. */
  readonly norms: number;
}

export async function run(): Promise<Record<string, unknown>> {
  await tf.setBackend('wasm');
  await tf.ready();
  await registerKernels();
  mkdirSync(RESULTS, { recursive: true });
  const readme = await readmeProgram();
  const optimizers = await everyOptimizer();
  const cifar = existsSync(CIFAR) ? await cifarNet() : 'left out: ../shared/data is not at hand';
  return { readme, optimizers, cifar, processorSeconds: Math.round(process.cpuUsage().user / 1e6) };
}

/** The result kept under a name, or that of running it. */
async function kept<Result>(name: string, trial: () => Promise<Result>): Promise<Result> {
  const file = `${RESULTS}/${name}.json`;
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  shuffleFrom(Number(name.split('-').at(-1)));
  const result = await trial();
  writeFileSync(file, JSON.stringify(result));
  return result;
}

/** `fit` shuffles by Math.random: from here on by the generator of Numerical Recipes (3rd edition, section 7.1). */
function shuffleFrom(seed: number): void {
  let state = seed;
  Math.random = () => {
    state = (1664525 * state + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

async function readmeProgram(): Promise<object> {
  const rows: Record<string, object> = {};
  const seeds = Array.from({ length: 10 }, (_, seed) => seed);
  const rate = 0.01;
  for (const scale of ['float', ...SCALES] as const)
    for (const init of scale === 'float' ? ['-'] : (['lsq', 'mse'] as const)) {
      const outcomes: Outcome[] = [];
      for (const seed of seeds)
        outcomes.push(
          await kept(`readme-${scale}-${init}-${seed}`, () =>
            circle(
              seed,
              () => tf.train.adam(rate),
              scale === 'float' ? null : { bits: 4, stepScale: scale, init: init as 'lsq' },
            ),
          ),
        );
      rows[`${scale} ${init}`] = summarized(outcomes);
    }
  return rows;
}

const OPTIMIZERS: Readonly<Record<string, readonly [(rate: number) => tf.Optimizer, readonly number[]]>> = {
  sgd: [(rate) => tf.train.sgd(rate), [0.1, 0.5, 2]],
  momentum: [(rate) => tf.train.momentum(rate, 0.9), [0.01, 0.1, 0.5]],
  adam: [(rate) => tf.train.adam(rate), [0.001, 0.01, 0.05]],
  adamax: [(rate) => tf.train.adamax(rate), [0.002, 0.02, 0.1]],
  adagrad: [(rate) => tf.train.adagrad(rate), [0.01, 0.1, 0.5]],
  adadelta: [(rate) => tf.train.adadelta(rate), [0.1, 1, 10]],
  rmsprop: [(rate) => tf.train.rmsprop(rate), [0.001, 0.01, 0.03]],
};

async function everyOptimizer(): Promise<object> {
  const rows: Record<string, object> = {};
  for (const [name, [optimizer, rates]] of Object.entries(OPTIMIZERS))
    for (const rate of rates) {
      const outcomes = async (scale: Scale | null) => {
        const found: Outcome[] = [];
        for (const seed of [0, 1, 2])
          found.push(
            await kept(`optimizer-${name}-${rate}-${scale ?? 'float'}-${seed}`, () =>
              circle(seed, () => optimizer(rate), scale && { bits: 4, stepScale: scale }),
            ),
          );
        return summarized(found);
      };
      const float = await outcomes(null);
      if (float.accuracy < 0.8) continue;
      rows[`${name} ${rate}`] = {
        float: float.accuracy,
        relative: await outcomes('relative'),
        absolute: await outcomes('absolute'),
      };
    }
  return rows;
}

/** The program of the README: points inside and outside of a circle, 10 epochs from scratch. */
async function circle(seed: number, optimizer: () => tf.Optimizer, options: QuantizeOptions | null): Promise<Outcome> {
  const points = (count: number, seed: number): Data => {
    const xs = tf.randomUniform([count, 2], -1, 1, 'float32', seed);
    return { xs, ys: tf.oneHot(tf.cast(tf.less(tf.sum(tf.square(xs), 1), 0.6), 'int32'), 2) };
  };
  const dense = (index: number, units: number, activation: 'relu' | 'softmax') => {
    const kernelInitializer = initializers.glorotUniform({ seed: 3 * seed + index });
    return layers.dense({ units, activation, kernelInitializer, ...(index === 0 && { inputShape: [2] }) });
  };
  const float = sequential({ layers: [dense(0, 32, 'relu'), dense(1, 32, 'relu'), dense(2, 2, 'softmax')] });
  return trained(float, options, optimizer(), points(512, 2 * seed + 1), points(2000, 1000 + seed), {
    epochs: 10,
    batchSize: 32,
  });
}

/** Trains a model, quantized where there are options for it, and disposes of everything. */
async function trained(
  float: LayersModel,
  options: QuantizeOptions | null,
  optimizer: tf.Optimizer,
  train: Data,
  test: Data,
  {
    epochs,
    batchSize,
    falls = false,
  }: { readonly epochs: number; readonly batchSize: number; readonly falls?: boolean },
): Promise<Outcome> {
  const model = options ? await quantizeModel(float, options) : float;
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  const weights = quantizedWeights(model);
  const { learningRate: rate } = optimizer as tf.Optimizer & { readonly learningRate: number };
  const updates = epochs * Math.ceil(train.xs.shape[0]! / batchSize);
  let [crossed, done] = [false, 0];
  const look = () => {
    crossed ||= weights.some(({ step }) => step.dataSync().some((value) => value < 0));
    done++;
    if (falls) setRate(optimizer, rate * (1 - done / updates));
  };
  await model.fit(train.xs, train.ys, {
    epochs,
    batchSize,
    verbose: 0,
    yieldEvery: 'never',
    callbacks: { onBatchEnd: look },
  });
  const accuracy = tf.tidy(() => {
    const predicted = tf.argMax(model.predict(test.xs, { batchSize: 250 }) as tf.Tensor, 1);
    return tf.mean(tf.cast(tf.equal(predicted, tf.argMax(test.ys, 1)), 'float32')).dataSync()[0]!;
  });
  const loss = tf.tidy(() => (model.evaluate(train.xs, train.ys, { batchSize: 250 }) as tf.Scalar).dataSync()[0]!);
  const norms = weights.map((weight) =>
    tf.tidy(() => tf.div(tf.norm(weight.dequantized()), tf.norm(weight.latent)).dataSync()[0]!),
  );
  if (model !== float) model.dispose();
  float.dispose();
  optimizer.dispose();
  tf.dispose([train, test] as never);
  return { accuracy: rounded(accuracy), loss: rounded(loss), crossed, norms: rounded(Math.min(...norms, Infinity)) };
}

function setRate(optimizer: tf.Optimizer, rate: number): void {
  if ('setLearningRate' in optimizer) (optimizer as tf.SGDOptimizer).setLearningRate(rate);
  else Object.assign(optimizer, { learningRate: rate });
}

async function cifarNet(): Promise<object> {
  const precisions = {
    W2: { bits: 2 },
    W4: { bits: 4 },
    W2A2: { bits: 2, activations: 2 },
    W4A4: { bits: 4, activations: 4 },
  };
  const optimizers = { momentum: () => tf.train.momentum(0.01, 0.9), adam: () => tf.train.adam(0.001) };
  const rows: Record<string, object> = {};
  const seeds = [0, 1, 2];
  for (const [name, optimizer] of Object.entries(optimizers)) {
    const float = [];
    for (const seed of seeds) float.push((await floatNet(seed, name, optimizer)).outcome);
    rows[`float ${name}`] = summarized(float);
  }
  for (const [precision, options] of Object.entries(precisions))
    for (const [name, optimizer] of Object.entries(optimizers)) {
      const ways = {
        relative: { stepScale: 'relative' },
        absolute: { stepScale: 'absolute' },
        ...(name === 'adam' && { 'relative x10': { stepScale: 'relative', stepLearningRateMultiplier: 10 } }),
      } satisfies Record<string, Partial<QuantizeOptions>>;
      const row: Record<string, object> = {};
      for (const [way, steps] of Object.entries(ways)) {
        const outcomes: Outcome[] = [];
        for (const seed of seeds)
          outcomes.push(
            await kept(`cifar-${precision}-${name}-${way}-${seed}`, async () => {
              const { model } = await floatNet(seed, name, optimizer);
              const { train, test } = cifarData(seed);
              return trained(await model(), { ...options, ...steps }, optimizer(), train, test, {
                epochs: 5,
                batchSize: 32,
                falls: true,
              });
            }),
          );
        row[way] = summarized(outcomes);
      }
      rows[`${precision} ${name}`] = row;
    }
  return rows;
}

/** The float net of a seed and an optimizer, trained once and read from its file then. */
async function floatNet(seed: number, name: string, optimizer: () => tf.Optimizer) {
  const file = `${RESULTS}/cifar-float-${name}-${seed}`;
  const outcome = await kept(`cifar-float-${name}-${seed}`, async () => {
    const { train, test } = cifarData(seed);
    const net = smallNet(seed);
    // Keeps the weights before the model is disposed of.
    const dispose = net.dispose.bind(net);
    net.dispose = () => {
      const values = net.getWeights().map((weight) => Array.from(weight.dataSync()));
      writeFileSync(`${file}-weights.json`, JSON.stringify(values));
      return dispose();
    };
    return trained(net, null, optimizer(), train, test, { epochs: 10, batchSize: 32, falls: true });
  });
  const model = async () => {
    const net = smallNet(seed);
    const values: number[][] = JSON.parse(readFileSync(`${file}-weights.json`, 'utf8'));
    const tensors = net.getWeights().map((weight, i) => tf.tensor(values[i]!, weight.shape));
    net.setWeights(tensors);
    tf.dispose(tensors);
    return net;
  };
  return { outcome, model };
}

/** Average pooling to 16 × 16 and three 3 × 3 convolutions with batch normalization, 24,000 weights. */
function smallNet(seed: number): LayersModel {
  const block = (filters: number, index: number) => [
    layers.conv2d({
      filters,
      kernelSize: 3,
      padding: 'same',
      useBias: false,
      kernelInitializer: initializers.heNormal({ seed: 10 * seed + index }),
    }),
    layers.batchNormalization({ momentum: 0.9 }),
    layers.reLU(),
    ...(index < 2 ? [layers.maxPooling2d({ poolSize: 2 })] : []),
  ];
  const head = layers.dense({
    units: 10,
    activation: 'softmax',
    kernelInitializer: initializers.glorotUniform({ seed: 10 * seed + 9 }),
  });
  return sequential({
    layers: [
      layers.averagePooling2d({ poolSize: 2, inputShape: [32, 32, 3] }),
      ...block(16, 0),
      ...block(32, 1),
      ...block(64, 2),
      layers.globalAveragePooling2d({}),
      head,
    ],
  });
}

/** 5,000 training images of a seed and all 2,000 test images, in [-1, 1]. */
function cifarData(seed: number): { readonly train: Data; readonly test: Data } {
  const read = (files: readonly string[], count: number, from: number): Data => {
    const bytes = Buffer.concat(files.map((file) => readFileSync(`${CIFAR}/${file}.bin`)));
    const all = bytes.length / 3073;
    const xs = new Float32Array(count * 3072);
    const ys = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const at = ((from + i) % all) * 3073;
      ys[i] = bytes[at]!;
      for (let c = 0; c < 3; c++)
        for (let pixel = 0; pixel < 1024; pixel++)
          xs[i * 3072 + pixel * 3 + c] = bytes[at + 1 + c * 1024 + pixel]! / 127.5 - 1;
    }
    return { xs: tf.tensor4d(xs, [count, 32, 32, 3]), ys: tf.oneHot(tf.tensor1d(ys, 'int32'), 10) };
  };
  return {
    train: read(
      [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}`),
      4000,
      3000 * seed,
    ),
    test: read(['test_batch'], 2000, 0),
  };
}

function summarized(outcomes: readonly Outcome[]) {
  const accuracies = outcomes.map(({ accuracy }) => accuracy);
  const mean = accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length;
  const squares = accuracies.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    accuracy: rounded(mean),
    loss: rounded(outcomes.reduce((sum, { loss }) => sum + loss, 0) / outcomes.length),
    /** Standard error of the mean over the seeds. */
    error: rounded(Math.sqrt(squares / Math.max(accuracies.length - 1, 1) / accuracies.length)),
    crossed: outcomes.filter(({ crossed }) => crossed).length,
    norms: Math.min(...outcomes.map(({ norms }) => norms ?? Infinity)),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
