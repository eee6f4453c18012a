import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import * as tl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import '@qgen/kernels';
import { inFloat64 } from '../float64';

const L = tl.layers;
type Layer = ReturnType<typeof L.rnn>;
const image = [6, 5, 3];
const sequence = [5, 4];
const volume = [4, 5, 4, 2];
const frames = [3, 5, 6, 2];
const seed = 7;
const start = () => tl.initializers.randomUniform({ minval: -0.6, maxval: 0.7, seed });
const weights = { kernelInitializer: start(), biasInitializer: start() };
const recurrent = { ...weights, recurrentInitializer: start() };
const depthwise = { depthwiseInitializer: start(), biasInitializer: start() };
const same = 'same' as const;
const valid = 'valid' as const;

/** Layer classes of tfjs-layers that have weights or hand a gradient on: what, shape of one example, the layers. */
const layers: readonly (readonly [string, readonly number[], () => readonly object[]])[] = [
  ['Dense', [7], () => [L.dense({ units: 3, ...weights })]],
  ['Dense on a sequence', sequence, () => [L.dense({ units: 3, ...weights })]],
  ['Conv1D', [9, 3], () => [L.conv1d({ filters: 4, kernelSize: 3, strides: 2, padding: same, ...weights })]],
  ['Conv1D, valid', [9, 3], () => [L.conv1d({ filters: 4, kernelSize: 3, ...weights })]],
  ['Conv2D', image, () => [L.conv2d({ filters: 4, kernelSize: 3, padding: same, ...weights })]],
  ['Conv2D, valid and strided', image, () => [L.conv2d({ filters: 4, kernelSize: 2, strides: 2, ...weights })]],
  [
    'Conv2D with a fused activation',
    image,
    () => [L.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', ...weights })],
  ],
  [
    'Conv2D, strided',
    image,
    () => [L.conv2d({ filters: 4, kernelSize: [3, 2], strides: 2, padding: same, ...weights })],
  ],
  [
    'Conv2D, stride beyond kernel',
    [9, 9, 2],
    () => [L.conv2d({ filters: 4, kernelSize: 2, strides: 3, padding: same, ...weights })],
  ],
  [
    'Conv2D, dilated',
    image,
    () => [L.conv2d({ filters: 4, kernelSize: 3, dilationRate: 2, activation: 'relu', ...weights })],
  ],
  [
    'Conv2D, channels first',
    [3, 6, 5],
    () => [L.conv2d({ filters: 4, kernelSize: 3, dataFormat: 'channelsFirst', ...weights })],
  ],
  [
    'Conv2DTranspose',
    image,
    () => [L.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: same, ...weights })],
  ],
  ['Conv2DTranspose, valid', image, () => [L.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, ...weights })]],
  [
    'Conv3D, same and strided',
    volume,
    () => [L.conv3d({ filters: 3, kernelSize: 2, strides: 2, padding: same, ...weights })],
  ],
  ['Conv3D', volume, () => [L.conv3d({ filters: 3, kernelSize: 2, ...weights })]],
  ['Conv3DTranspose', volume, () => [L.conv3dTranspose({ filters: 3, kernelSize: 2, strides: 2, ...weights })]],
  [
    'SeparableConv2D',
    image,
    () => [
      L.separableConv2d({ filters: 4, kernelSize: 3, depthMultiplier: 2, pointwiseInitializer: start(), ...depthwise }),
    ],
  ],
  ['DepthwiseConv2D, valid', image, () => [L.depthwiseConv2d({ kernelSize: 3, ...depthwise })]],
  ['DepthwiseConv2D', image, () => [L.depthwiseConv2d({ kernelSize: 3, padding: same, ...depthwise })]],
  [
    'DepthwiseConv2D, strided, two per channel',
    image,
    () => [L.depthwiseConv2d({ kernelSize: [2, 3], strides: 2, depthMultiplier: 2, padding: same, ...depthwise })],
  ],
  [
    'DepthwiseConv2D, dilated',
    image,
    () => [L.depthwiseConv2d({ kernelSize: 2, dilationRate: 2, padding: same, ...depthwise })],
  ],
  ['BatchNormalization', image, () => [L.batchNormalization({ gammaInitializer: start(), betaInitializer: start() })]],
  ['BatchNormalization of vectors', [7], () => [L.batchNormalization({ gammaInitializer: start() })]],
  ['BatchNormalization, axis 1', image, () => [L.batchNormalization({ axis: 1, gammaInitializer: start() })]],
  ['BatchNormalization, axis 2', image, () => [L.batchNormalization({ axis: 2, betaInitializer: start() })]],
  ['BatchNormalization of sequences, axis 1', sequence, () => [L.batchNormalization({ axis: 1 })]],
  ['LayerNormalization', image, () => [L.layerNormalization({ gammaInitializer: start(), betaInitializer: start() })]],
  [
    'LayerNormalization over three axes',
    image,
    () => [L.layerNormalization({ axis: [1, 2, 3], gammaInitializer: start() })],
  ],
  ['Embedding', [5], () => [L.embedding({ inputDim: 6, outputDim: 3, embeddingsInitializer: start() })]],
  ['PReLU', image, () => [L.prelu({ alphaInitializer: start() })]],
  ['PReLU, shared axes', image, () => [L.prelu({ alphaInitializer: start(), sharedAxes: [1, 2] })]],
  ['LeakyReLU', image, () => [L.leakyReLU({ alpha: 0.2 })]],
  ['ELU', image, () => [L.elu()]],
  ['ReLU', image, () => [L.reLU({ maxValue: 0.5 })]],
  ['ThresholdedReLU', image, () => [L.thresholdedReLU({ theta: 0.2 })]],
  ['Softmax', image, () => [L.softmax({ axis: -1 })]],
  ['SimpleRNN', sequence, () => [L.simpleRNN({ units: 3, ...recurrent })]],
  ['GRU', sequence, () => [L.gru({ units: 3, returnSequences: true, ...recurrent })]],
  ['GRU, backwards', sequence, () => [L.gru({ units: 3, goBackwards: true, ...recurrent })]],
  ['LSTM', sequence, () => [L.lstm({ units: 3, returnSequences: true, ...recurrent })]],
  [
    'StackedRNNCells',
    sequence,
    () => [L.rnn({ cell: [L.lstmCell({ units: 3, ...recurrent }), L.gruCell({ units: 2, ...recurrent })] })],
  ],
  ['ConvLSTM2D, valid', frames, () => [L.convLstm2d({ filters: 2, kernelSize: 2, ...recurrent })]],
  ['ConvLSTM2D', frames, () => [L.convLstm2d({ filters: 2, kernelSize: 3, padding: same, ...recurrent })]],
  [
    'Bidirectional',
    sequence,
    () => [L.bidirectional({ layer: L.gru({ units: 3, ...recurrent }) as Layer, mergeMode: 'concat' })],
  ],
  [
    'TimeDistributed',
    frames,
    () => [L.timeDistributed({ layer: L.conv2d({ filters: 2, kernelSize: 2, ...weights }) })],
  ],
  ['Masking', sequence, () => [L.masking({ maskValue: 0 }), L.lstm({ units: 3, ...recurrent })]],
  ['MaxPooling1D', [8, 3], () => [L.maxPooling1d({ poolSize: 2 })]],
  ['MaxPooling1D, same', [8, 3], () => [L.maxPooling1d({ poolSize: 3, strides: 2, padding: same })]],
  ['AveragePooling1D, valid', [8, 3], () => [L.averagePooling1d({ poolSize: 3, strides: 2 })]],
  ['AveragePooling1D', [8, 3], () => [L.averagePooling1d({ poolSize: 3, strides: 2, padding: same })]],
  ['MaxPooling2D', image, () => [L.maxPooling2d({ poolSize: 2 })]],
  ['MaxPooling2D, overlapping', image, () => [L.maxPooling2d({ poolSize: 3, strides: 2, padding: same })]],
  ['AveragePooling2D', image, () => [L.averagePooling2d({ poolSize: 2 })]],
  [
    'AveragePooling2D, overlapping',
    image,
    () => [L.averagePooling2d({ poolSize: [3, 2], strides: [2, 1], padding: same })],
  ],
  [
    'AveragePooling2D, window beyond the image',
    image,
    () => [L.averagePooling2d({ poolSize: 4, strides: 3, padding: same })],
  ],
  ['AveragePooling2D, valid and overlapping', image, () => [L.averagePooling2d({ poolSize: 3, strides: 1 })]],
  ['MaxPooling2D, valid and overlapping', image, () => [L.maxPooling2d({ poolSize: 3, strides: 1 })]],
  ['MaxPooling3D', volume, () => [L.maxPooling3d({ poolSize: 2 })]],
  ['MaxPooling3D, same', volume, () => [L.maxPooling3d({ poolSize: 3, strides: 2, padding: same })]],
  ['AveragePooling3D, same', volume, () => [L.averagePooling3d({ poolSize: [3, 2, 3], strides: 2, padding: same })]],
  ['AveragePooling3D', volume, () => [L.averagePooling3d({ poolSize: 2, strides: 1, padding: valid })]],
  ['GlobalAveragePooling1D', sequence, () => [L.globalAveragePooling1d()]],
  ['GlobalMaxPooling1D', sequence, () => [L.globalMaxPooling1d()]],
  ['GlobalAveragePooling2D', image, () => [L.globalAveragePooling2d({ dataFormat: 'channelsLast' })]],
  ['GlobalMaxPooling2D', image, () => [L.globalMaxPooling2d({ dataFormat: 'channelsLast' })]],
  [
    'Cropping2D',
    image,
    () => [
      L.cropping2D({
        cropping: [
          [1, 2],
          [0, 1],
        ],
      }),
    ],
  ],
  [
    'ZeroPadding2D',
    image,
    () => [
      L.zeroPadding2d({
        padding: [
          [1, 2],
          [0, 1],
        ],
      }),
    ],
  ],
  ['UpSampling2D', image, () => [L.upSampling2d({ size: [2, 3], interpolation: 'nearest' })]],
  ['UpSampling2D, bilinear', image, () => [L.upSampling2d({ size: [2, 2], interpolation: 'bilinear' })]],
  ['Permute', image, () => [L.permute({ dims: [3, 1, 2] })]],
  ['Reshape', image, () => [L.reshape({ targetShape: [15, 6] })]],
  ['RepeatVector', [4], () => [L.repeatVector({ n: 3 })]],
  ['Dropout', image, () => [L.dropout({ rate: 0.4, seed })]],
  ['Rescaling', image, () => [L.rescaling({ scale: 0.3, offset: 1 })]],
];

const activations = [
  'elu',
  'gelu',
  'gelu_new',
  'hardSigmoid',
  'linear',
  'logSoftmax',
  'mish',
  'relu',
  'relu6',
  'selu',
  'sigmoid',
  'softmax',
  'softplus',
  'softsign',
  'swish',
  'tanh',
] as const;

const merges = [
  ['Add', () => L.add()],
  ['Average', () => L.average()],
  ['Concatenate', () => L.concatenate()],
  ['Concatenate, axis 1', () => L.concatenate({ axis: 1 })],
  ['Maximum', () => L.maximum()],
  ['Minimum', () => L.minimum()],
  ['Multiply', () => L.multiply()],
  ['Dot', () => L.dot({ axes: 2 })],
  ['Dot, normalized', () => L.dot({ axes: 1, normalize: true })],
] as const;

const losses = [
  'meanSquaredError',
  'meanAbsoluteError',
  'meanAbsolutePercentageError',
  'meanSquaredLogarithmicError',
  'squaredHinge',
  'hinge',
  'categoricalHinge',
  'logcosh',
  'categoricalCrossentropy',
  'sparseCategoricalCrossentropy',
  'binaryCrossentropy',
  'kullbackLeiblerDivergence',
  'poisson',
  'cosineProximity',
] as const;

const optimizers: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  nesterov: () => tf.train.momentum(0.1, 0.9, true),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.1),
  adam: () => tf.train.adam(0.1),
  adamax: () => tf.train.adamax(0.1),
  rmsprop: () => tf.train.rmsprop(0.1),
  'rmsprop, centered': () => tf.train.rmsprop(0.1, 0.9, 0.5, 1e-7, true),
};

/** Uniform-ish numbers in (-1, 1) without ties, the same on every backend. */
const numbers = (shape: readonly number[], phase: number) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => {
      const x = Math.sin((i + 1) * 12.9898 + phase) * 43758.5453;
      return 2 * (x - Math.floor(x)) - 1;
    }),
    [...shape],
  );

/** `work` on cpu and on wasm: the largest difference of each tensor over the largest absolute value that cpu gives. */
async function differences(work: () => Promise<readonly tf.Tensor[]>): Promise<number[]> {
  const results: Float32Array[][] = [];
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    tf.engine().startScope();
    const tensors = await work();
    results.push(await Promise.all(tensors.map(async (tensor) => Float32Array.from(await tensor.data()))));
    tf.engine().endScope();
    tf.disposeVariables();
  }
  const [cpu, wasm] = results as [Float32Array[], Float32Array[]];
  expect(wasm.map((values) => values.length)).toEqual(cpu.map((values) => values.length));
  return cpu.map((values, t) => {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    return values.reduce((most, value, i) => Math.max(most, Math.abs(value - wasm[t][i])), 0) / largest;
  });
}

type Model = ReturnType<typeof tl.model>;

/** A model with the inputs that it is tried on, made anew on the active backend. */
type Build = () => { readonly model: Model; readonly inputs: readonly tf.Tensor[] };

/** The output as it is in training, and a weighted sum of it whose gradient is looked at. */
function lossOf(model: Model, variables: readonly tf.Variable[]) {
  const output = () =>
    model.apply(variables.length > 1 ? [...variables] : variables[0], { training: true }) as tf.Tensor;
  return { output, loss: () => tf.sum(tf.mul(output(), numbers(output().shape, 3))) as tf.Scalar };
}

/** What may be differentiated: the inputs that are real numbers, then the weights that train. */
function variablesOf({ model, inputs }: ReturnType<Build>) {
  const given = inputs.map((input) => tf.variable(input, input.dtype === 'float32'));
  const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  return { given, all: [...given.filter(({ trainable }) => trainable), ...weights] };
}

/** Two directions along which every gradient is compared; two, so that no error lies across both. */
const directions = [5, 8] as const;

/**
 * Output, and slope of the loss along each direction of each variable, in float64: central differences, at a step where
 * neither rounding (1e-16 / 1e-5) nor curvature (1e-10) is seen.
 */
const reference = (build: Build) =>
  inFloat64(() => {
    const built = build();
    const { given, all } = variablesOf(built);
    const { output, loss } = lossOf(built.model, given);
    const values = Array.from(output().dataSync());
    const slopes = all.map((variable) =>
      directions.map((phase) => {
        const centre = tf.clone(variable);
        const step = tf.mul(numbers(variable.shape, phase), 1e-5);
        const [ahead, behind] = [tf.add(centre, step), tf.sub(centre, step)].map((moved) => {
          variable.assign(moved);
          return loss().dataSync()[0];
        });
        variable.assign(centre);
        return (ahead - behind) / 2e-5;
      }),
    );
    return { values, slopes };
  });

/** The same on a backend, with the gradients that training takes, and what the terms of each slope amount to. */
async function trained(backend: string, build: Build) {
  await tf.setBackend(backend);
  tf.engine().startScope();
  const built = build();
  const { given, all } = variablesOf(built);
  const { output, loss } = lossOf(built.model, given);
  const values = Array.from(output().dataSync());
  const { grads } = tf.variableGrads(loss, all);
  const slopes = all.map((variable) =>
    directions.map((phase) => {
      const gradient = Array.from(grads[variable.name].dataSync());
      const direction = numbers(variable.shape, phase).dataSync();
      const terms = gradient.map((value, i) => value * direction[i]);
      return { slope: terms.reduce((a, b) => a + b, 0), size: Math.hypot(...terms) };
    }),
  );
  tf.engine().endScope();
  tf.disposeVariables();
  return { values, slopes };
}

/** Expects the outputs and the slopes on a backend to be those of float64. */
async function expectTrained(backend: string, build: Build): Promise<void> {
  const expected = await reference(build);
  const found = await trained(backend, build);
  const largest = Math.max(...expected.values.map(Math.abs));
  expect(found.values.length).toBe(expected.values.length);
  for (const [i, value] of found.values.entries())
    expect(Math.abs(value - expected.values[i])).toBeLessThan(tolerance * largest);
  expect(found.slopes.length).toBe(expected.slopes.length);
  const scale = Math.max(...found.slopes.flat().map(({ size }) => size), ...expected.slopes.flat().map(Math.abs));
  // A gradient that vanishes by itself, as that of a bias before a normalization, is rounding of the others.
  for (const [v, along] of found.slopes.entries())
    for (const [d, { slope, size }] of along.entries())
      expect(Math.abs(slope - expected.slopes[v][d])).toBeLessThan(tolerance * Math.max(size, 0.1 * scale));
}

const tolerance = 2e-5;
const expectSmall = (found: readonly number[]) => {
  for (const difference of found) expect(difference).toBeLessThan(tolerance);
};

describe.each(['cpu', 'wasm'])('on %s the output and the gradients are those of float64:', (backend) => {
  it.each(layers)('%s', (name, shape, build) =>
    expectTrained(backend, () => {
      const input = tl.input({ shape: [...shape] });
      const outputs = (build() as Layer[]).reduce((x, layer) => layer.apply(x) as typeof input, input);
      const x = numbers([2, ...shape], 1);
      const indices = name === 'Embedding' ? tf.cast(tf.floor(tf.mul(tf.abs(x), 6)), 'int32') : x;
      return { model: tl.model({ inputs: input, outputs }), inputs: [indices] };
    }),
  );

  it.each(merges)('%s', (_, build) =>
    expectTrained(backend, () => {
      const inputs = [tl.input({ shape: [4, 4] }), tl.input({ shape: [4, 4] })];
      const outputs = build().apply(inputs) as (typeof inputs)[0];
      return { model: tl.model({ inputs, outputs }), inputs: [numbers([2, 4, 4], 1), numbers([2, 4, 4], 2)] };
    }),
  );

  it.each(activations)('activation %s', (activation) =>
    expectTrained(backend, () => {
      const input = tl.input({ shape: [7] });
      const outputs = L.activation({ activation: activation as 'relu' }).apply(input) as typeof input;
      return { model: tl.model({ inputs: input, outputs }), inputs: [tf.mul(numbers([4, 7], 1), 3)] };
    }),
  );
});

describe('a training step gives the same weights on wasm as on cpu', () => {
  const train = async (loss: string, optimizer: tf.Optimizer): Promise<tf.Tensor[]> => {
    const model = tl.sequential({
      layers: [
        L.conv2d({ inputShape: image, filters: 4, kernelSize: 3, padding: same, activation: 'tanh', ...weights }),
        L.batchNormalization(),
        L.flatten(),
        L.dense({ units: 3, activation: 'softmax', ...weights }),
      ],
    });
    model.compile({ loss, optimizer, metrics: ['accuracy'] });
    const labels = tf.tensor1d([0, 2, 1, 2, 0], 'int32');
    const y = loss === 'sparseCategoricalCrossentropy' ? tf.reshape(labels, [5, 1]) : tf.oneHot(labels, 3);
    for (let step = 0; step < 2; step++) await model.trainOnBatch(numbers([5, ...image], 1), tf.cast(y, 'float32'));
    return model.getWeights();
  };
  it.each(losses)('loss %s', async (loss) => expectSmall(await differences(() => train(loss, tf.train.sgd(0.1)))));
  it.each(Object.keys(optimizers))('optimizer %s', async (name) =>
    expectSmall(await differences(() => train('categoricalCrossentropy', optimizers[name]()))),
  );
});
