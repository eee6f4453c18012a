import { quantizeModel } from '@qgen/lsq';
import { findAlpha, findSigma, hessianEigenvalues } from '@qgen/measures';
import { efficientNetLite0 } from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { backends, useBackend } from './backends';
import { CLASSES, tiny, tinyArchitectures } from './tiny-architectures';

type Values = readonly Float32Array[];

/** Of the weights of a model, in their order, running statistics and steps included. */
const read = (model: LayersModel): Promise<Values> =>
  Promise.all(model.weights.map((weight) => weight.read().data<'float32'>()));
function write(model: LayersModel, values: Values): void {
  const tensors = model.weights.map(({ shape }, i) => tf.tensor(values[i]!, shape as number[]));
  model.setWeights(tensors);
  tf.dispose(tensors);
}

/**
 * The results of a model on a few images: logits in inference, gradients, and its weights after a step of SGD. Gradients are
 * those of training with the statistics of the batch, or of the running ones.
 */
async function computed(
  model: LayersModel,
  { seed, training }: Readonly<{ seed: number; training: boolean }>,
): Promise<Record<'logits' | 'loss' | 'gradients' | 'weights', Values>> {
  const shape = model.inputs[0]!.shape.slice(1) as number[];
  const xs = tf.randomUniform([4, ...shape], -1, 1, 'float32', seed);
  const ys = tf.oneHot(tf.tensor1d([0, 1, 2, 1], 'int32'), CLASSES);
  const inference = model.apply(xs, { training: false }) as tf.Tensor;
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const { value, grads } = tf.variableGrads(() => {
    const logits = model.apply(xs, { training }) as tf.Tensor;
    return tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(tf.logSoftmax(logits), ys), 1)));
  }, variables);
  const of = (tensors: readonly tf.Tensor[]) => Promise.all(tensors.map((tensor) => tensor.data<'float32'>()));
  const result = {
    logits: await of([inference]),
    loss: await of([value]),
    gradients: await of(variables.map(({ name }) => grads[name]!)),
  };
  const optimizer = tf.train.sgd(0.05);
  optimizer.applyGradients(grads);
  optimizer.dispose();
  tf.dispose([xs, ys, inference, value, grads]);
  return { ...result, weights: await read(model) };
}

const rootMeanSquare = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

/**
 * The greatest difference of any tensor, over its root mean square. That of a gradient is taken as a hundredth of the
 * greatest one at least: some gradients are 0 but for roundings, as that of a bias before a batch normalization.
 */
function distance(actual: Values, expected: Values): number {
  const sizes = expected.map(rootMeanSquare);
  const least = Math.max(...sizes) / 100;
  const distances = expected.map((values, i) => {
    const greatest = values.reduce((most, value, at) => Math.max(most, Math.abs(actual[i]![at]! - value)), 0);
    return greatest / Math.max(sizes[i]!, least);
  });
  return Math.max(...distances);
}

/**
 * The images. A ReLU whose input is within rounding of 0, or a value within rounding of the middle of two codes, falls to
 * either side by the backend, and then every gradient before it is another one. So these are of a seed where wasm itself
 * gives the same numbers when the images change by 3e-7: none lies there.
 */
const SEEDS: Readonly<Record<string, number>> = { mobileNetV2: 10, resnet50: 2, resnet18: 2, mobileNetV1: 3 };

/** EfficientNet-Lite0 has one width; a software GPU takes minutes for larger images. */
const architectures = {
  ...tinyArchitectures,
  efficientNetLite0: () => efficientNetLite0({ ...tiny, inputShape: [32, 32, 3] }),
};

/** With 49 ReLU6 after normalizations over four numbers there is no such seed; with running statistics it is one network as any. */
const RUNNING_STATISTICS = new Set(['efficientNetLite0']);

/**
 * Gives max pooling of 2×2 a gradient that goes to every greatest value of a window, up to roundings; returns what takes
 * that back. Of equal ones tfjs takes the first on wasm and the last on webgpu. Codes of 4 bits have equal sums often.
 */
function shareTies(): () => void {
  const stock = tf.getGradient('MaxPool')!;
  const replace = (gradient: tf.GradConfig) => {
    tf.unregisterGradient('MaxPool');
    tf.registerGradient(gradient);
  };
  const twice = (x: tf.Tensor) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [2 * x.shape[1]!, 2 * x.shape[2]!]);
  replace({
    kernelName: 'MaxPool',
    inputsToSave: ['x'],
    outputsToSave: [true],
    gradFunc: (dy, [x, y]) => ({
      x: () => tf.mul(twice(dy as tf.Tensor), tf.cast(tf.greater(x!, tf.sub(twice(y!), 1e-5)), 'float32')),
    }),
  });
  return () => replace(stock);
}

describe.each(backends)('the architectures on %s', { timeout: 600_000 }, (backend) => {
  for (const [name, build] of Object.entries(architectures))
    for (const bits of [null, 4])
      it(`${name} ${bits ? 'at W4A4' : 'in float'} gives the numbers of wasm`, async () => {
        const made = async () => {
          const model = build();
          return bits ? quantizeModel(model, { bits, activations: bits, firstLast: 'same' }) : model;
        };
        const how = { seed: SEEDS[name] ?? 3, training: !RUNNING_STATISTICS.has(name) };
        const restore = name === 'vgg19' && bits ? shareTies() : () => {};
        try {
          await useBackend('wasm');
          const reference = await made();
          // The steps of the activations come from the first batch in training.
          if (bits) await computed(reference, { seed: 1, training: true });
          const start = await read(reference);
          const expected = await computed(reference, how);
          reference.dispose();
          await useBackend(backend);
          const model = await made();
          write(model, start);
          const actual = await computed(model, how);
          model.dispose();
          expect(distance(actual.logits, expected.logits), 'logits').toBeLessThan(1e-5);
          expect(distance(actual.loss, expected.loss), 'loss').toBeLessThan(1e-5);
          expect(distance(actual.gradients, expected.gradients), 'gradients').toBeLessThan(2e-3);
          expect(distance(actual.weights, expected.weights), 'weights').toBeLessThan(1e-3);
        } finally {
          restore();
        }
      });
});

describe.each(backends)('the measures on %s', { timeout: 600_000 }, (backend) => {
  it('findSigma, findAlpha and the Hessian of a small DeiT are those of wasm', async () => {
    const measured = async () => {
      const model = tinyArchitectures.deit!();
      const xs = tf.randomUniform([16, ...(model.inputs[0]!.shape.slice(1) as number[])], -1, 1, 'float32', 3);
      // The network's own answers are the labels, so that all of them are right where nothing is disturbed.
      const ys = tf.tidy(() => tf.argMax(model.apply(xs, {}) as tf.Tensor, 1));
      const options = { seed: 1, batchSize: 16, relativeTolerance: 0.3 };
      const sigma = await findSigma(model, { xs, ys }, { ...options, maxExamples: 320 });
      const alpha = await findAlpha(model, { xs, ys }, { ...options, bracketSteps: 2, steps: 2 });
      const hessian = await hessianEigenvalues(model, { xs, ys }, { seed: 1, batchSize: 16, maxProducts: 4 });
      tf.dispose([xs, ys]);
      model.dispose();
      return { sigma, alpha, hessian };
    };
    await useBackend('wasm');
    const expected = await measured();
    await useBackend(backend);
    const actual = await measured();
    expect(actual.sigma.status).toBe(expected.sigma.status);
    expect(actual.sigma.value! / expected.sigma.value!).toBeCloseTo(1, 1);
    expect(actual.alpha.status).toBe(expected.alpha.status);
    expect(actual.alpha.value! / expected.alpha.value!).toBeCloseTo(1, 1);
    expect(actual.hessian.values[0]! / expected.hessian.values[0]!).toBeCloseTo(1, 3);
  });
});
