import { dequantizeModel, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';

beforeAll(() => useBackend('cpu'));

// tfjs-layers' orthogonal start needs tfjs-core's chained methods, which only the union package registers.
const start = { recurrentInitializer: 'glorotUniform' } as const;
const filters = { filters: 2, kernelSize: 2 } as const;

/** Every layer class of tfjs that has kernels, with the names of these. */
const classes: readonly [string, (inputShape: number[]) => layers.Layer, number[], string[]][] = [
  ['Dense', (inputShape) => layers.dense({ units: 2, inputShape }), [3], ['kernel']],
  ['Embedding', (inputShape) => layers.embedding({ inputDim: 4, outputDim: 2, inputShape }), [3], ['embeddings']],
  ['Conv1D', (inputShape) => layers.conv1d({ ...filters, inputShape }), [5, 2], ['kernel']],
  ['Conv2D', (inputShape) => layers.conv2d({ ...filters, inputShape }), [5, 5, 2], ['kernel']],
  ['Conv3D', (inputShape) => layers.conv3d({ ...filters, inputShape }), [4, 4, 4, 2], ['kernel']],
  ['Conv2DTranspose', (inputShape) => layers.conv2dTranspose({ ...filters, inputShape }), [4, 4, 2], ['kernel']],
  ['Conv3DTranspose', (inputShape) => layers.conv3dTranspose({ ...filters, inputShape }), [3, 3, 3, 2], ['kernel']],
  [
    'DepthwiseConv2D',
    (inputShape) => layers.depthwiseConv2d({ kernelSize: 2, inputShape }),
    [4, 4, 2],
    ['depthwise_kernel'],
  ],
  [
    'SeparableConv2D',
    (inputShape) => layers.separableConv2d({ ...filters, inputShape }),
    [4, 4, 2],
    ['depthwise_kernel', 'pointwise_kernel'],
  ],
  [
    'SimpleRNN',
    (inputShape) => layers.simpleRNN({ ...start, units: 2, inputShape }),
    [3, 2],
    ['kernel', 'recurrent_kernel'],
  ],
  ['GRU', (inputShape) => layers.gru({ ...start, units: 2, inputShape }), [3, 2], ['kernel', 'recurrent_kernel']],
  ['LSTM', (inputShape) => layers.lstm({ ...start, units: 2, inputShape }), [3, 2], ['kernel', 'recurrent_kernel']],
  [
    'RNN',
    (inputShape) => layers.rnn({ cell: layers.lstmCell({ ...start, units: 2 }), inputShape }),
    [3, 2],
    ['kernel', 'recurrent_kernel'],
  ],
  [
    'ConvLSTM2D',
    (inputShape) => layers.convLstm2d({ ...start, ...filters, inputShape } as never),
    [3, 4, 4, 2],
    ['kernel', 'recurrent_kernel'],
  ],
];

it.each(classes)(
  '%s: its kernels are found, per tensor and per channel, and only these are quantized',
  async (_, layer, shape, names) => {
    const x = tf.randomUniform([2, ...shape], 0, 4, 'float32', 1);
    const input = names[0] === 'embeddings' ? tf.floor(x) : x;
    const model = sequential({ layers: [layer(shape)] });
    for (const perChannel of [false, true]) {
      const quantized = await quantizeModel(model, { bits: 3, perChannel, firstLast: 'same' });
      const weights = quantizedWeights(quantized);
      expect(weights.map(({ name }) => name.split('/').at(-1))).toEqual(names);
      for (const { shape, axis, step } of weights) expect(step.size).toBe(axis === null ? 1 : shape[axis]);
      const predictions = (quantized.predict(input) as tf.Tensor).dataSync();
      const plain = await dequantizeModel(quantized);
      expect((plain.predict(input) as tf.Tensor).dataSync()).toEqual(predictions);
      expect(predictions).not.toEqual((model.predict(input) as tf.Tensor).dataSync());
    }
  },
);

it('per channel means the filters: the last axis, of depthwise kernels the input channels, of transposed ones the last but one', async () => {
  const axisOf = async (layer: layers.Layer) =>
    quantizedWeights(await quantizeModel(sequential({ layers: [layer] }), { bits: 3, perChannel: true })).map(
      ({ axis }) => axis,
    );
  const inputShape = [4, 4, 3];
  expect(await axisOf(layers.conv2d({ filters: 2, kernelSize: 2, inputShape }))).toEqual([3]);
  expect(await axisOf(layers.depthwiseConv2d({ kernelSize: 2, inputShape }))).toEqual([2]);
  expect(await axisOf(layers.conv2dTranspose({ filters: 2, kernelSize: 2, inputShape }))).toEqual([2]);
  expect(await axisOf(layers.dense({ units: 2, inputShape: [3] }))).toEqual([1]);
});

it('normalizations and PReLU have no kernels', async () => {
  const model = sequential({
    layers: [
      layers.dense({ units: 4, inputShape: [6, 3] }),
      layers.prelu({}),
      layers.batchNormalization(),
      layers.layerNormalization({}),
    ],
  });
  expect(quantizedWeights(await quantizeModel(model, { bits: 3 }))).toHaveLength(1);
});
