import {
  anneal,
  annealed,
  distill,
  freezeOscillating,
  oscillationRegularizer,
  type QuantizeOptions,
  sharpnessAware,
} from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type Callback, type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';

/** The additions of a recipe to the training of a quantized model. */
export interface Recipe {
  /** To the options of quantizeModel. */
  readonly quantization?: Partial<QuantizeOptions>;
  /** The model to compile and fit in place of the quantized one. */
  readonly training?: (model: LayersModel) => LayersModel;
  readonly optimizer?: (training: LayersModel, optimizer: tf.Optimizer) => tf.Optimizer;
  readonly callbacks?: (training: LayersModel, optimizer: tf.Optimizer) => Callback[];
  /** Recipes that do the same in another way, and so don't go together. */
  readonly insteadOf?: string;
}

const EPOCHS = 3;

const regularized =
  (kind: 'bins' | 'dampening') =>
  (training: LayersModel): Callback[] => [
    anneal(
      oscillationRegularizer(training, { kind }),
      'weight',
      annealed({ from: 0, to: 0.1, total: EPOCHS - 1 }),
      'epoch',
    ),
  ];

export const RECIPES: Readonly<Record<string, Recipe>> = {
  SAM: { optimizer: (model, base) => sharpnessAware(model, base), insteadOf: 'sharpness' },
  ASAM: {
    optimizer: (model, base) => sharpnessAware(model, base, { adaptive: true, steps: true }),
    insteadOf: 'sharpness',
  },
  SAQ: { optimizer: (model, base) => sharpnessAware(model, base, { perturb: 'quantized' }), insteadOf: 'sharpness' },
  bins: { callbacks: regularized('bins') },
  dampening: { callbacks: regularized('dampening') },
  freezing: { callbacks: (training) => [freezeOscillating(training, { threshold: 0.02, momentum: 0.1 })] },
  distillation: {
    training: (model) => distill(model, { temperature: 2, alpha: 0.5 }),
  },
  heads: {
    quantization: {
      gradientScale: 'l1',
      overrides: { first: { groups: { count: 2, axis: 1 } }, last: { groups: { count: 2, axis: 0 } } },
    },
  },
  'a learning rate': {
    callbacks: (_, optimizer) => [anneal(optimizer, 'learningRate', annealed({ from: 0.1, to: 0, total: 6 }), 'batch')],
  },
};

/** A small network with everything that recipes meet: a batch normalization, quantized activations, a softmax. @param weights what it starts with */
export function smallNetwork(weights?: readonly (readonly number[])[]): LayersModel {
  const model = sequential({
    layers: [
      layers.dense({ name: 'first', units: 8, inputShape: [4] }),
      layers.batchNormalization({ name: 'norm' }),
      layers.activation({ activation: 'relu' }),
      layers.dense({ name: 'last', units: 3, activation: 'softmax' }),
    ],
  });
  if (weights)
    tf.tidy(() => model.setWeights(model.getWeights().map(({ shape }, i) => tf.tensor([...weights[i]!], shape))));
  return model;
}

/** Examples, their labels and a teacher's logits. */
export function examples(): { readonly x: tf.Tensor; readonly labels: tf.Tensor; readonly teacher: tf.Tensor } {
  const classes = Array.from({ length: 16 }, (_, i) => i % 3);
  const labels = tf.oneHot(tf.tensor1d(classes, 'int32'), 3);
  return {
    x: tf.tidy(() =>
      tf.add(tf.randomNormal([16, 4], 0, 0.3, 'float32', 7), tf.oneHot(tf.tensor1d(classes, 'int32'), 4)),
    ),
    labels,
    teacher: tf.tidy(() => tf.mul(tf.cast(labels, 'float32'), 4)),
  };
}

/** Compiles a quantized model for some recipes, and gives what one fit with them all needs. */
export function prepared(model: LayersModel, recipes: readonly Recipe[]) {
  const training = recipes.reduce((inner, { training }) => training?.(inner) ?? inner, model);
  const optimizer = recipes.reduce<tf.Optimizer>(
    (base, recipe) => recipe.optimizer?.(training, base) ?? base,
    tf.train.momentum(0.1, 0.9),
  );
  training.compile({
    optimizer,
    loss: training === model ? 'categoricalCrossentropy' : undefined!,
    metrics: ['accuracy'],
  });
  const callbacks = recipes.flatMap((recipe) => recipe.callbacks?.(training, optimizer) ?? []);
  const train = (x: tf.Tensor, labels: tf.Tensor, teacher: tf.Tensor) =>
    training.fit(x, training === model ? labels : [labels, teacher], {
      epochs: EPOCHS,
      batchSize: 8,
      shuffle: false,
      verbose: 0,
      callbacks,
    });
  const finish = () => {
    for (const callback of callbacks) (callback as Callback & { finish?(): void }).finish?.();
  };
  return { train, finish };
}
