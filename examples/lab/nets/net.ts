import { outputKind, perExampleCrossEntropy, startWork } from '@qgen/core';
import { quantizeModel } from '@qgen/lsq';
import { findSigma, lossLandscape } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import { type Bits, type Look, type LossPoint, type Origin, type Picture, SIDE, type Sigma } from '../protocol';
import { type Digits, type Examples, firstOf } from './digits';
import { floatKernels, quantizedKernels } from './kernels';
import { network } from './network';
import { readModel } from './read-model';

const CLASSES = 10;
const BATCH = 50;
/** Training examples that σ is searched on, and that the landscape is about. */
const SEARCHED = 500;
const ON_LANDSCAPE = 100;

/** A network at some number of bits that is being trained on the digits, and everything that the page shows of it. */
export interface Net {
  readonly kernels: readonly string[];
  /** Trains up to a step; the losses are those of the first `examples` of each split. */
  train(until: number, examples: number): Promise<LossPoint>;
  look(kernel: number, picture: Picture): Promise<Look>;
  sigma(signal: AbortSignal): Promise<Sigma>;
  row(index: number, size: number): Promise<readonly number[]>;
  dispose(): void;
}

export async function openNet(bits: Bits, origin: Origin, { train, test }: Digits): Promise<Net> {
  const float = 'seed' in origin ? network(origin.seed) : await readModel(origin);
  const optimizer = tf.train.momentum(0.03, 0.9);
  let model = float;
  let kernels: Awaited<ReturnType<typeof floatKernels>>;
  let output: 'logits' | 'probabilities';
  try {
    output = outputKind(float, 'The model') as typeof output;
    if (bits !== 32) model = await quantizeModel(float, { bits, firstLast: 'same' });
    kernels = bits === 32 ? await floatKernels(float) : quantizedKernels(model);
  } catch (error) {
    if (model !== float) model.dispose();
    float.dispose();
    disposeOptimizer(optimizer);
    throw error;
  }
  if (model !== float) float.dispose();
  model.compile({
    optimizer,
    loss:
      output === 'logits'
        ? (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits)
        : 'categoricalCrossentropy',
  });
  let step = 0;

  async function evaluate(
    split: Examples,
    count: number,
  ): Promise<{ readonly loss: number; readonly accuracy: number }> {
    const results = tf.tidy(() => {
      const { xs, ys } = firstOf(split, count);
      const outputs = model.predict(xs) as tf.Tensor;
      const labels = tf.tensor1d(ys, 'int32');
      const right = tf.equal(tf.argMax(outputs, 1), labels);
      return [tf.mean(perExampleCrossEntropy(outputs, labels, output)), tf.mean(tf.cast(right, 'float32'))];
    });
    const [[loss], [accuracy]] = await Promise.all(results.map((result) => result.data()));
    tf.dispose(results);
    return { loss, accuracy };
  }

  return {
    kernels: kernels.map(({ name }) => name),
    async train(until, examples) {
      const work = startWork({});
      while (step < until) {
        const start = (step * BATCH) % (train.ys.length - BATCH + 1);
        const xs = tf.slice(train.xs, start, BATCH);
        const ys = tf.tidy(() => tf.oneHot(tf.tensor1d(train.ys.subarray(start, start + BATCH), 'int32'), CLASSES));
        await model.trainOnBatch(xs, ys);
        tf.dispose([xs, ys]);
        step++;
        await work.checkpoint();
      }
      const [onTrain, onTest] = [await evaluate(train, examples), await evaluate(test, examples)];
      return { step, train: onTrain.loss, test: onTest.loss, accuracy: onTest.accuracy };
    },
    async look(index, picture) {
      const { latent, quantized } = kernels[Math.min(index, kernels.length - 1)];
      const scores = tf.tidy(() => {
        const outputs = model.predict(tf.tensor4d(picture, [1, SIDE, SIDE, 1])) as tf.Tensor2D;
        return output === 'logits' ? tf.softmax(outputs) : outputs;
      });
      const steps = await Promise.all(
        kernels.flatMap((kernel) => kernel.quantized?.step.data<'float32'>().then(([s]) => Math.abs(s)) ?? []),
      );
      const weights = (await latent.data<'float32'>()).slice();
      const probabilities = Array.from(await scores.data());
      scores.dispose();
      const { qn, qp } = quantized ?? { qn: 0, qp: -1 };
      const bins = Array.from({ length: qp - qn + 1 }, (_, i) => (qn + i) * steps[Math.min(index, steps.length - 1)]);
      return { steps, weights: { weights, bins }, probabilities };
    },
    async sigma(signal) {
      const { xs, ys } = firstOf(train, SEARCHED);
      try {
        const { value, ci95, status } = await findSigma(model, { xs, ys }, { seed: 1, relativeTolerance: 0.1, signal });
        return { value, ci95, status };
      } finally {
        xs.dispose();
      }
    },
    async row(index, size) {
      const at = Array.from({ length: size }, (_, i) => -1 + (2 * i) / (size - 1));
      const { xs, ys } = firstOf(train, ON_LANDSCAPE);
      try {
        const plane = { dimensions: 2, x: [at[index]], y: at, seed: 1 } as const;
        return (await lossLandscape(model, { xs, ys }, plane)).loss[0];
      } finally {
        xs.dispose();
      }
    },
    dispose() {
      model.dispose();
      disposeOptimizer(optimizer);
    },
  };
}

/** TensorFlow.js's momentum frees its own tensors, but not the learning rate that it has from SGD. */
function disposeOptimizer(optimizer: tf.MomentumOptimizer): void {
  optimizer.dispose();
  tf.SGDOptimizer.prototype.dispose.call(optimizer);
}
