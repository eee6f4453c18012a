/**
 * Training steps on wasm (momentum, cross-entropy, `trainOnBatch`) over the forward pass of stock tfjs, which takes turns
 * with ours in one process; forward passes of ours over stock ones; and a step of the first network on the cpu backend.
 * Times are medians of processor time. Images are of 32 × 32.
 */
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { fourConvolutions } from './networks/network-in-network';
import { registered, use } from './networks/registered';
import { resnet20 } from './networks/resnet20';

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Milliseconds of processor time. */
async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Medians of works in turns, each as often as `rounds`; one round more, the first, compiles and fills caches. */
async function inTurns<Name extends string>(
  works: Readonly<Record<Name, () => Promise<unknown>>>,
  rounds: number,
): Promise<Record<Name, number>> {
  const names = Object.keys(works) as Name[];
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++)
    for (const name of names) {
      const time = await milliseconds(works[name]);
      if (round > 0 || rounds === 0) times.get(name)!.push(time);
    }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name)!)])) as Record<Name, number>;
}

/** A model's forward pass and its step on a batch. */
function works(model: LayersModel, batch: number) {
  const crossEntropy = (labels: tf.Tensor, logits: tf.Tensor) =>
    tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), labels), -1));
  const probabilities = model.layers.at(-1)!.getClassName() === 'Softmax';
  model.compile({
    optimizer: tf.train.momentum(0.01, 0.9),
    loss: probabilities ? 'categoricalCrossentropy' : crossEntropy,
  });
  const [classes] = model.outputs[0]!.shape.slice(-1) as [number];
  const x = tf.randomNormal([batch, ...(model.inputs[0]!.shape.slice(1) as number[])], 0, 1, 'float32', 1);
  const labels = tf.oneHot(
    Array.from({ length: batch }, (_, i) => i % classes),
    classes,
  );
  return {
    forward: async () => {
      const output = model.predictOnBatch(x) as tf.Tensor;
      await output.data();
      output.dispose();
    },
    step: () => model.trainOnBatch(x, labels),
  };
}

const perceptron = () =>
  sequential({
    layers: [
      layers.dense({ inputShape: [784], units: 128, activation: 'relu' }),
      layers.dense({ units: 64, activation: 'relu' }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });

export async function run() {
  await tf.setBackend('wasm');
  const stock = registered();
  const { registerKernels } = await import('@qgen/kernels/register');
  await registerKernels();
  const ours = registered();
  // It registers kernels too.
  const { deit, mobileNetV2 } = await import('@qgen/models');

  /** The stock forward pass, ours, and a step, in turns. */
  const measure = (model: LayersModel, batch: number, rounds: number) => {
    const { forward, step } = works(model, batch);
    const withKernels = (kernels: typeof stock, work: () => Promise<unknown>) => () => {
      use(kernels);
      return work();
    };
    const turns = {
      stockForward: withKernels(stock, forward),
      forward: withKernels(ours, forward),
      step: withKernels(ours, step),
    };
    return inTurns(turns, rounds);
  };
  /** The stock time over ours, of predictions of one example. */
  const inference = async (model: LayersModel, repetitions: number) => {
    const { forward } = works(model, 1);
    const repeated = (kernels: typeof stock) => async () => {
      use(kernels);
      for (let i = 0; i < repetitions; i++) await forward();
    };
    // Twice each, so that neither always follows the other.
    const { a, b, c, d } = await inTurns(
      { a: repeated(stock), b: repeated(ours), c: repeated(ours), d: repeated(stock) },
      15,
    );
    return (a + d) / (b + c);
  };

  const small = { inputShape: [32, 32, 3] as [number, number, number], classes: 10 };
  const times = {
    nin: await measure(fourConvolutions(), 128, 9),
    resnet20: await measure(resnet20(), 128, 7),
    mobileNetV2: await measure(mobileNetV2({ ...small, stem: 'cifar' }), 8, 7),
    deit: await measure(deit({ ...small, patch: 4 }), 8, 7),
  };
  const inferenceSpeedups = {
    mobileNetV2: await inference(mobileNetV2({ ...small, stem: 'cifar' }), 3),
    perceptron: await inference(perceptron(), 1000),
  };
  use(ours);
  const { step: step8 } = await inTurns({ step: works(fourConvolutions(), 8).step }, 15);
  await tf.setBackend('cpu');
  const { step: cpuStep8 } = await inTurns({ step: works(fourConvolutions(), 8).step }, 0);

  const speedupOf = ({ stockForward, forward }: { readonly stockForward: number; readonly forward: number }) =>
    stockForward / forward;
  const forwardSpeedups = { nin: speedupOf(times.nin), resnet20: speedupOf(times.resnet20) };
  return {
    ninStepOverStockForward: times.nin.step / times.nin.stockForward,
    resnet20StepOverStockForward: times.resnet20.step / times.resnet20.stockForward,
    mobileNetV2StepOverStockForward: times.mobileNetV2.step / times.mobileNetV2.stockForward,
    deitStepOverStockForward: times.deit.step / times.deit.stockForward,
    // The smaller one of each.
    forwardSpeedup: Math.min(...Object.values(forwardSpeedups)),
    inferenceSpeedup: Math.min(...Object.values(inferenceSpeedups)),
    forwardSpeedups,
    inferenceSpeedups,
    speedupOverCpu: cpuStep8 / step8,
    milliseconds: { ...times, step8, cpuStep8 },
  };
}
