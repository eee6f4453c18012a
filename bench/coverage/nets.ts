import { philoxNormals, philoxUniforms } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/** Labelled examples on the host. */
export interface Examples {
  readonly xs: Float32Array;
  readonly ys: Int32Array;
  readonly shape: readonly number[];
}

/** A net with what it was trained on and more of the same, for what is about other examples. */
export interface Net {
  readonly model: tfl.LayersModel;
  /** The same net with every kernel rounded to 15 steps up to its largest entry. */
  readonly twin: tfl.LayersModel;
  readonly train: Examples;
  readonly fresh: Examples;
}

interface Plan {
  readonly classes: number;
  readonly shape: readonly number[];
  /** Length of a class centre; the noise around it has length sqrt(inputs). */
  readonly signal: number;
  /** Share of labels that say nothing. */
  readonly wrong?: number;
  readonly examples: number;
  readonly epochs: number;
  readonly layers: () => tfl.layers.Layer[];
}

const FRESH = 20_000;

const dense = (units: number, activation: 'relu' | 'linear', seed: number) =>
  tfl.layers.dense({ units, activation, kernelInitializer: tfl.initializers.heNormal({ seed }) });
const convolution = (filters: number, seed: number, activation: 'relu' | 'linear' = 'relu') =>
  tfl.layers.conv2d({
    filters,
    kernelSize: 3,
    strides: 2,
    padding: 'same',
    activation,
    kernelInitializer: tfl.initializers.heNormal({ seed }),
  });

const plans = {
  linear: {
    classes: 4,
    shape: [8],
    signal: 2,
    examples: 1000,
    epochs: 15,
    layers: () => [dense(4, 'linear', 1)],
  },
  mlp: {
    classes: 4,
    shape: [16],
    signal: 3,
    examples: 1000,
    epochs: 20,
    layers: () => [dense(24, 'relu', 1), dense(16, 'relu', 2), dense(4, 'linear', 3)],
  },
  conv: {
    classes: 4,
    shape: [8, 8, 1],
    signal: 4,
    examples: 800,
    epochs: 15,
    layers: () => [convolution(6, 1), convolution(8, 2), tfl.layers.flatten(), dense(4, 'linear', 3)],
  },
  convBatchNorm: {
    classes: 4,
    shape: [8, 8, 1],
    signal: 4,
    examples: 800,
    epochs: 15,
    layers: () => [
      convolution(6, 1, 'linear'),
      tfl.layers.batchNormalization({ momentum: 0.8 }),
      tfl.layers.reLU(),
      convolution(8, 2, 'linear'),
      tfl.layers.batchNormalization({ momentum: 0.8 }),
      tfl.layers.reLU(),
      tfl.layers.flatten(),
      dense(4, 'linear', 3),
    ],
  },
  tenExamples: {
    classes: 3,
    shape: [16],
    signal: 3,
    examples: 10,
    epochs: 60,
    layers: () => [dense(16, 'relu', 1), dense(3, 'linear', 2)],
  },
  tenClassesNearChance: {
    classes: 10,
    shape: [16],
    signal: 2,
    wrong: 0.7,
    examples: 1000,
    epochs: 10,
    layers: () => [dense(24, 'relu', 1), dense(10, 'linear', 2)],
  },
  binaryNearChance: {
    classes: 2,
    shape: [16],
    signal: 1,
    wrong: 0.45,
    examples: 1000,
    epochs: 5,
    layers: () => [dense(16, 'relu', 1), dense(2, 'linear', 2)],
  },
} satisfies Record<string, Plan>;

export type NetName = keyof typeof plans;

export const NETS = Object.keys(plans) as NetName[];

/** Trains a net anew: the same one on every run, up to the rounding of the machine. */
export async function trainedNet(name: NetName): Promise<Net> {
  const plan: Plan = plans[name];
  const seed = NETS.indexOf(name) + 1;
  const train = examplesOf(plan, plan.examples, { seed, stream: 1 });
  const model = untrained(plan);
  model.compile({ optimizer: tf.train.adam(0.01), loss: (y, z) => tf.losses.softmaxCrossEntropy(y, z) });
  const xs = tf.tensor(train.xs, [plan.examples, ...plan.shape]);
  const ys = tf.oneHot(tf.tensor1d(train.ys, 'int32'), plan.classes);
  await model.fit(xs, ys, { epochs: plan.epochs, batchSize: 50, shuffle: false, verbose: 0 });
  tf.dispose([xs, ys]);
  const twin = untrained(plan);
  twin.setWeights(model.getWeights().map((weight) => (weight.rank < 2 ? weight : rounded(weight))));
  return { model, twin, train, fresh: examplesOf(plan, FRESH, { seed, stream: 3 }) };
}

function untrained(plan: Plan): tfl.LayersModel {
  const input = tfl.input({ shape: [...plan.shape] });
  const outputs = plan.layers().reduce((x, layer) => layer.apply(x) as tfl.SymbolicTensor, input);
  return tfl.model({ inputs: input, outputs });
}

function rounded(kernel: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const step = tf.div(tf.max(tf.abs(kernel)), 7);
    return tf.mul(tf.round(tf.div(kernel, step)), step);
  });
}

/** Normal clouds around one centre for each class, some labels drawn at random. */
function examplesOf(
  { classes, shape, signal, wrong = 0 }: Plan,
  count: number,
  { seed, stream }: { readonly seed: number; readonly stream: number },
): Examples {
  const inputs = shape.reduce((product, size) => product * size, 1);
  const centres = philoxNormals(classes * inputs, { seed, stream: 0 });
  const xs = philoxNormals(count * inputs, { seed, stream });
  const uniforms = philoxUniforms(2 * count, { seed, stream: stream + 1 });
  const ys = Int32Array.from({ length: count }, (_, i) => i % classes);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < inputs; j++)
      xs[i * inputs + j]! += (signal / Math.sqrt(inputs)) * centres[ys[i]! * inputs + j]!;
    if (uniforms[2 * i]! < wrong) ys[i] = Math.floor(uniforms[2 * i + 1]! * classes);
  }
  return { xs, ys, shape };
}
