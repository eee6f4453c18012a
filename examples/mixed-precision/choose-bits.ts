import { modelSize, quantizedWeights, quantizeModel, summary } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { imageBatch, labelsOf, loadDataset } from '../shared/dataset';

const WIDTHS = [2, 3, 4, 6, 8] as const;

interface Data {
  readonly xs: tf.Tensor4D;
  readonly ys: tf.Tensor2D;
}

interface Row {
  readonly model: string;
  readonly bytes: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** Trains, chooses and fine-tunes; `train`, `test` and `epochs` keep a trial run short. */
export async function chooseBits({
  train = 2000,
  test = 1000,
  epochs = 4,
} = {}): Promise<{ rows: Row[]; bits: Record<string, number> }> {
  const digits = loadDataset({ data: null, train, test });
  const part = (split: typeof digits.train): Data => {
    const indices = Int32Array.from({ length: split.size }, (_, i) => i);
    const labels = tf.tensor1d(labelsOf(split, indices), 'int32');
    return { xs: imageBatch(split, indices, digits.shape), ys: tf.oneHot(labels, digits.classes) as tf.Tensor2D };
  };
  const [training, held] = [part(digits.train), part(digits.test)];

  const float = network(digits.shape, digits.classes);
  await learn(float, training, epochs, 0.002);

  // The budget: what 3 bits for every layer take.
  const even = await quantizeModel(float, { bits: 3, firstLast: 'same', init: 'mse' });
  const budget = modelSize(even).quantizedBytes;
  const bits = await spend(float, training, budget);
  const mixed = await quantizeModel(float, { bits, init: 'mse' });
  for (const model of [even, mixed]) await learn(model, training, 1, 0.001);

  console.log(summary(mixed));
  const rows = [];
  for (const [name, model] of [
    ['float', float],
    ['3 bits each', even],
    ['mixed', mixed],
  ] as const)
    rows.push({ model: name, bytes: modelSize(model).quantizedBytes, ...(await evaluate(model, held)) });
  return { rows, bits };
}

/**
 * The bits of every layer for a budget: all start with 8, and the one whose next narrower width costs the least loss per
 * byte saved gets that, until the model fits. Losses are those of the float model with that layer alone quantized.
 */
async function spend(float: LayersModel, data: Data, budget: number): Promise<Record<string, number>> {
  const all = await quantizeModel(float, { bits: 8 });
  const kernels = quantizedWeights(all).map(({ layer, latent }) => ({ layer, size: latent.size }));
  const losses = new Map<string, number>();
  for (const { layer } of kernels)
    for (const width of WIDTHS) {
      const alone = await quantizeModel(float, { bits: { [layer]: width }, init: 'mse' });
      losses.set(`${layer} ${width}`, (await evaluate(alone, data)).loss);
      alone.dispose();
    }
  const chosen = new Map(kernels.map(({ layer }) => [layer, WIDTHS.length - 1]));
  let bytes = modelSize(all).quantizedBytes;
  while (bytes > budget) {
    const moves = kernels.flatMap(({ layer, size }) => {
      const at = chosen.get(layer)!;
      if (at === 0) return [];
      const [now, next] = [WIDTHS[at]!, WIDTHS[at - 1]!];
      const saved = (size * (now - next)) / 8;
      return { layer, saved, cost: (losses.get(`${layer} ${next}`)! - losses.get(`${layer} ${now}`)!) / saved };
    });
    if (moves.length === 0) break;
    const best = moves.reduce((a, b) => (b.cost < a.cost ? b : a));
    chosen.set(best.layer, chosen.get(best.layer)! - 1);
    bytes -= best.saved;
  }
  all.dispose();
  return Object.fromEntries([...chosen].map(([layer, at]) => [layer, WIDTHS[at]!]));
}

function network(inputShape: readonly number[], classes: number): LayersModel {
  return sequential({
    layers: [
      layers.conv2d({
        name: 'conv1',
        filters: 8,
        kernelSize: 3,
        strides: 2,
        activation: 'relu',
        inputShape: [...inputShape],
      }),
      layers.conv2d({ name: 'conv2', filters: 16, kernelSize: 3, strides: 2, activation: 'relu' }),
      layers.flatten(),
      layers.dense({ name: 'dense1', units: 48, activation: 'relu' }),
      layers.dense({ name: 'dense2', units: classes, activation: 'softmax' }),
    ],
  });
}

async function learn(model: LayersModel, { xs, ys }: Data, epochs: number, learningRate: number): Promise<void> {
  compile(model, learningRate);
  await model.fit(xs, ys, { epochs, batchSize: 50, verbose: 0 });
}

async function evaluate(model: LayersModel, { xs, ys }: Data): Promise<{ loss: number; accuracy: number }> {
  if (!model.optimizer) compile(model, 0.001);
  const [loss, accuracy] = model.evaluate(xs, ys, { batchSize: 250 }) as [tf.Scalar, tf.Scalar];
  const values = { loss: (await loss.data())[0]!, accuracy: (await accuracy.data())[0]! };
  tf.dispose([loss, accuracy]);
  return values;
}

function compile(model: LayersModel, learningRate: number): void {
  model.compile({ optimizer: tf.train.adam(learningRate), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
}
