import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { perExampleCrossEntropy } from '@qgen/core';
import { annealed, freezeOscillating, quantizedWeights, sharpnessAware } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { consecutive, permutation } from '../../shared/dataset';
import { asData, inputsOf, labelsAt, type StudyData } from '../data/examples';
import type { Numbers } from '../folder/result';
import { FLOAT, type OptimizerName, type Setting, type Trial } from '../plan/setting';
import { withWeightDecay } from './weight-decay';

/** Training whose loss or weights became NaN or infinite. */
export class Diverged extends Error {
  constructor(readonly epoch: number) {
    super(`training diverged in epoch ${epoch}`);
  }
}

/**
 * Trains on the cross-entropy of the logits; the order of the data depends on the seed and the epoch only. At the end the
 * model holds the weights of the epoch with the lowest training loss in inference mode, as the paper keeps them. Throws
 * Diverged, and leaves the model as it is, when that loss or a weight is not finite.
 */
export async function train(
  model: LayersModel,
  data: StudyData,
  { setting, seed, bits }: Trial,
  onProgress: (share: number) => void,
): Promise<Numbers['history']> {
  const { epochs, batchSize, learningRate, milestones, recipe } = setting;
  const { optimizer, setRate } = optimizerFor(setting, model);
  model.compile({
    optimizer: recipe === 'sam' ? sharpnessAware(model, optimizer) : optimizer,
    loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
  });
  const size = Math.min(batchSize, data.train.size);
  const batches = Math.floor(data.train.size / size);
  const freezer = recipe === 'freeze' && bits !== FLOAT ? oscillationFreezer(model, epochs * batches) : undefined;
  const losses: number[] = [];
  let best: tf.Tensor[] = [];
  let bestEpoch = 0;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      setRate(learningRate * 10 ** -milestones.filter((milestone) => epoch >= milestone).length);
      const order = permutation(data.train.size, { seed, stream: epoch });
      for (let batch = 0; batch < batches; batch++) {
        const indices = order.subarray(batch * size, (batch + 1) * size);
        const images = await inputsOf(data, data.train, indices);
        const labels = tf.tidy(() => tf.oneHot(tf.tensor1d(labelsAt(data.train, indices), 'int32'), data.classes));
        await model.trainOnBatch(images, labels);
        tf.dispose([images, labels]);
        freezer?.afterBatch(epoch * batches + batch);
        onProgress((epoch + (batch + 1) / batches) / epochs);
        await eventLoopTurn();
      }
      const loss = await meanLoss(model, data);
      if (!Number.isFinite(loss) || !(await weightsAreFinite(model))) throw new Diverged(epoch + 1);
      losses.push(loss);
      if (bestEpoch === 0 || loss < losses[bestEpoch - 1]!) {
        tf.dispose(best);
        best = model.getWeights().map((weight) => tf.clone(weight));
        bestEpoch = epoch + 1;
      }
    }
    freezer?.finish();
    model.setWeights(best);
  } finally {
    tf.dispose(best);
    optimizer.dispose();
  }
  return { trainLoss: losses, bestEpoch };
}

function optimizerFor({ optimizer: name, learningRate, momentum, weightDecay }: Setting, model: LayersModel) {
  const made = OPTIMIZERS[name](learningRate, momentum);
  const steps = new Set(quantizedWeights(model).map(({ step }) => step.id));
  const { registeredVariables } = tf.engine();
  return {
    optimizer: withWeightDecay(made, weightDecay, (variable) => !steps.has(registeredVariables[variable]!.id)),
    setRate(rate: number): void {
      // Adam and RMSprop read the field at every step; SGD holds it as a tensor, too.
      if (name === 'sgd') (made as tf.SGDOptimizer).setLearningRate(rate);
      else (made as unknown as { learningRate: number }).learningRate = rate;
    },
  };
}

const OPTIMIZERS: Readonly<Record<OptimizerName, (rate: number, momentum: number) => tf.Optimizer>> = {
  sgd: (rate, momentum) => tf.train.momentum(rate, momentum),
  adam: (rate) => tf.train.adam(rate),
  // PyTorch's smoothing constant and epsilon.
  rmsprop: (rate) => tf.train.rmsprop(rate, 0.99, 0, 1e-8),
};

/** Freezes weights that oscillate, by the schedule of Nagel et al. 2022: from a quarter of the steps on, from 0.04 to 0.01. */
function oscillationFreezer(model: LayersModel, steps: number) {
  const start = Math.floor(steps / 4);
  const freezer = freezeOscillating(model, { threshold: 0.04, maxBits: 8, start });
  const threshold = annealed({ from: 0.04, to: 0.01, total: steps, start });
  return {
    afterBatch(step: number): void {
      freezer.threshold = threshold(step);
      freezer.update();
    },
    finish: () => freezer.finish(),
  };
}

/** A rectifier may turn NaN into 0, so that the loss of a network of NaN can be finite. */
async function weightsAreFinite(model: LayersModel): Promise<boolean> {
  const sums = tf.tidy(() => tf.stack(model.getWeights().map((weight) => tf.sum(weight))));
  const values = await sums.data();
  sums.dispose();
  return values.every(Number.isFinite);
}

async function meanLoss(model: LayersModel, data: StudyData): Promise<number> {
  const examples = asData(data, data.train);
  let sum = 0;
  for (const indices of consecutive(examples.size)) {
    const { xs, ys } = await examples.batch(indices);
    const losses = tf.tidy(() =>
      perExampleCrossEntropy(
        model.predict(xs as tf.Tensor) as tf.Tensor,
        tf.tensor1d(ys as Int32Array, 'int32'),
        'logits',
      ),
    );
    for (const loss of await losses.data()) sum += loss;
    tf.dispose([xs as tf.Tensor, losses]);
  }
  return sum / examples.size;
}
