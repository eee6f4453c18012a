import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { perExampleCrossEntropy } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Dataset } from '../shared/dataset';
import { consecutive, imageBatch, labelsOf, permutation } from '../shared/dataset';
import type { Configuration } from './configuration';
import { UsageError } from './configuration';

export interface TrainingHistory {
  /** Mean cross-entropy over the training set after each epoch, in inference mode. */
  readonly trainLoss: readonly number[];
  /** The epoch, counted from 1, whose weights were kept. */
  readonly bestEpoch: number;
}

/**
 * SGD with momentum on the cross-entropy of the logits; the learning rate falls to a tenth after one and two thirds of
 * the epochs, as at epochs 100 and 200 of the paper's 300. The order of the data depends on the seed and the epoch
 * only. At the end the model holds the weights of the epoch with the lowest training loss.
 */
export async function train(
  model: LayersModel,
  dataset: Dataset,
  { seed, epochs, batchSize, learningRate, momentum }: Configuration,
  onProgress: (share: number) => void,
): Promise<TrainingHistory> {
  const { train: data, shape, classes } = dataset;
  const optimizer = tf.train.momentum(learningRate, momentum);
  model.compile({
    optimizer,
    loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
  });
  const batches = Math.max(1, Math.floor(data.size / batchSize));
  const losses: number[] = [];
  let best: tf.Tensor[] = [];
  let bestEpoch = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    optimizer.setLearningRate(learningRate * 10 ** -Math.floor((3 * epoch) / epochs));
    const order = permutation(data.size, { seed, stream: epoch });
    for (let batch = 0; batch < batches; batch++) {
      const indices = order.subarray(batch * batchSize, (batch + 1) * batchSize);
      const images = imageBatch(data, indices, shape);
      const labels = tf.tidy(() => tf.oneHot(tf.tensor1d(labelsOf(data, indices), 'int32'), classes));
      await model.trainOnBatch(images, labels);
      tf.dispose([images, labels]);
      onProgress((epoch + (batch + 1) / batches) / epochs);
      await eventLoopTurn();
    }
    const loss = await meanLoss(model, dataset);
    if (Number.isNaN(loss))
      throw new UsageError(
        `training diverged in epoch ${epoch + 1} (its loss is NaN); lower --learning-rate, now ${learningRate}`,
      );
    losses.push(loss);
    if (bestEpoch === 0 || losses[epoch] < losses[bestEpoch - 1]) {
      tf.dispose(best);
      best = model.getWeights().map((weight) => tf.clone(weight));
      bestEpoch = epoch + 1;
    }
  }
  model.setWeights(best);
  tf.dispose(best);
  optimizer.dispose();
  return { trainLoss: losses, bestEpoch };
}

async function meanLoss(model: LayersModel, { train: data, shape }: Dataset): Promise<number> {
  let sum = 0;
  for (const indices of consecutive(data.size)) {
    const losses = tf.tidy(() => {
      const logits = model.predict(imageBatch(data, indices, shape)) as tf.Tensor;
      return perExampleCrossEntropy(logits, tf.tensor1d(labelsOf(data, indices), 'int32'), 'logits');
    });
    for (const loss of await losses.data()) sum += loss;
    losses.dispose();
  }
  return sum / data.size;
}
