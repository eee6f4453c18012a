/** Shared by the examples: handwritten digits, and a small convolutional network trained on them. */
import '@tensorflow/tfjs-backend-wasm';
import { registerKernels } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { imageBatch, loadDataset, type Split } from './dataset';

export interface Digits {
  readonly train: { readonly xs: tf.Tensor4D; readonly ys: Int32Array };
  readonly test: { readonly xs: tf.Tensor4D; readonly ys: Int32Array };
}

/** Starts the wasm backend and loads 2,000 digits to train on and 1,000 to test on, images in 0..1. */
export async function digits(): Promise<Digits> {
  await tf.setBackend('wasm');
  await registerKernels();
  const { train, test, shape } = loadDataset({ data: null, train: 2000, test: 1000 });
  const tensors = (split: Split) => ({
    xs: imageBatch(split, Array.from(split.labels.keys()), shape),
    ys: Int32Array.from(split.labels),
  });
  return { train: tensors(train), test: tensors(test) };
}

/** A network of two convolutions and a dense layer; the same seed gives the same initial weights. */
export function smallNetwork(seed = 1, filters = 8): LayersModel {
  const kernelInitializer = (k: number) => ({ className: 'HeNormal', config: { seed: 100 * seed + k } }) as never;
  const convolution = { kernelSize: 3, strides: 2, activation: 'relu' } as const;
  return sequential({
    layers: [
      layers.conv2d({ ...convolution, inputShape: [28, 28, 1], filters, kernelInitializer: kernelInitializer(1) }),
      layers.conv2d({ ...convolution, filters: 2 * filters, kernelInitializer: kernelInitializer(2) }),
      layers.flatten(),
      layers.dense({ units: 10, activation: 'softmax', kernelInitializer: kernelInitializer(3) }),
    ],
  });
}

/** Trains a classifier of the digits with Adam and returns it. */
export async function trained(model: LayersModel, { train }: Digits, epochs: number, learningRate = 0.003) {
  model.compile({
    optimizer: tf.train.adam(learningRate),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  });
  const labels = tf.tensor1d(Array.from(train.ys));
  await model.fit(train.xs, labels, { epochs, batchSize: 50, shuffle: false, verbose: 0 });
  labels.dispose();
  return model;
}

/** The share of test digits that a model gets right. */
export function accuracy(model: LayersModel, { test }: Digits): number {
  return tf.tidy(() => {
    const found = tf.argMax(model.predict(test.xs) as tf.Tensor, 1);
    return tf.sum(tf.cast(tf.equal(found, tf.tensor1d(test.ys, 'int32')), 'int32')).dataSync()[0] / test.ys.length;
  });
}
