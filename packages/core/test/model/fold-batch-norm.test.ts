import { filterAxes, foldableBatchNorms, foldBatchNorm, outputKernel } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';

const conv = (name: string, options = {}) =>
  tfl.layers.conv2d({ name, filters: 2, kernelSize: 3, padding: 'same', ...options });
const norm = (name: string) => tfl.layers.batchNormalization({ name });
const names = (model: tfl.LayersModel) =>
  foldableBatchNorms(model)
    .map(({ producer, batchNorm }) => `${producer.name} < ${batchNorm.name}`)
    .sort();

describe('foldableBatchNorms', () => {
  beforeAll(() => useBackend('cpu'));
  const input = () => tfl.input({ shape: [4, 4, 2] });

  it('follows the edges of a residual block, not the order of its layers', () => {
    const x = input();
    // Built so that the normalizations stand in the opposite order of their convolutions.
    const main = conv('main').apply(x) as tfl.SymbolicTensor;
    const shortcut = conv('shortcut').apply(x) as tfl.SymbolicTensor;
    const ofShortcut = norm('norm-shortcut').apply(shortcut) as tfl.SymbolicTensor;
    const ofMain = norm('norm-main').apply(main) as tfl.SymbolicTensor;
    const sum = tfl.layers.add().apply([ofMain, ofShortcut]) as tfl.SymbolicTensor;
    expect(names(tfl.model({ inputs: x, outputs: sum }))).toEqual(['main < norm-main', 'shortcut < norm-shortcut']);
  });

  it('leaves a normalization without a linear producer alone', () => {
    const x = input();
    const preActivation = norm('first').apply(x) as tfl.SymbolicTensor;
    const activated = conv('relu', { activation: 'relu' }).apply(preActivation) as tfl.SymbolicTensor;
    const y = norm('after-relu').apply(activated) as tfl.SymbolicTensor;
    expect(names(tfl.model({ inputs: x, outputs: y }))).toEqual([]);
  });

  it('leaves a producer alone that something else sees, that is shared, or that is an output', () => {
    const x = input();
    const seen = conv('seen').apply(x) as tfl.SymbolicTensor;
    const a = norm('a').apply(seen) as tfl.SymbolicTensor;
    const sum = tfl.layers.add().apply([a, seen]) as tfl.SymbolicTensor;
    const shared = conv('shared');
    const once = shared.apply(sum) as tfl.SymbolicTensor;
    const b = norm('b').apply(shared.apply(once) as tfl.SymbolicTensor) as tfl.SymbolicTensor;
    const last = conv('last').apply(b) as tfl.SymbolicTensor;
    const c = norm('c').apply(last) as tfl.SymbolicTensor;
    expect(names(tfl.model({ inputs: x, outputs: [last, c] }))).toEqual([]);
  });

  it('looks through dropout and a linear activation, and into nested models', () => {
    const inner = tfl.sequential({
      layers: [
        conv('inner', { inputShape: [4, 4, 2] }),
        tfl.layers.dropout({ rate: 0.5 }),
        tfl.layers.activation({ activation: 'linear' }),
        norm('norm-inner'),
      ],
    });
    const x = input();
    const y = conv('outer').apply(inner.apply(x) as tfl.SymbolicTensor) as tfl.SymbolicTensor;
    const z = norm('norm-outer').apply(y) as tfl.SymbolicTensor;
    expect(names(tfl.model({ inputs: x, outputs: z }))).toEqual(['inner < norm-inner', 'outer < norm-outer']);
  });

  it('leaves a producer alone that another nested model sees too', () => {
    const first = conv('first', { inputShape: [4, 4, 2] });
    const encoder = tfl.sequential({ layers: [first] });
    const normalized = tfl.sequential({ layers: [encoder, norm('norm')] });
    const x = input();
    const seenTwice = tfl.layers.add().apply([normalized.apply(x), encoder.apply(x)] as tfl.SymbolicTensor[]);
    expect(names(normalized)).toEqual(['first < norm']);
    expect(names(tfl.model({ inputs: x, outputs: seenTwice as tfl.SymbolicTensor }))).toEqual([]);
    const y = first.apply(normalized.apply(x) as tfl.SymbolicTensor) as tfl.SymbolicTensor;
    expect(names(tfl.model({ inputs: x, outputs: y }))).toEqual([]);
  });

  it('finds the channels of a channelsFirst convolution on axis 1, even if its width is as large', () => {
    const of = (axis: number) =>
      tfl.sequential({
        layers: [
          // Two channels of 4 x 2 pixels, of which two filters make two channels.
          conv('conv', { dataFormat: 'channelsFirst', inputShape: [2, 4, 2] }),
          tfl.layers.batchNormalization({ axis, name: 'norm' }),
        ],
      });
    expect(names(of(-1))).toEqual([]);
    expect(names(of(3))).toEqual([]);
    expect(names(of(1))).toEqual(['conv < norm']);
  });
});

it('the kernel that a normalization is folded into is the pointwise one, frozen or not', () => {
  const separable = tfl.layers.separableConv2d({ filters: 3, kernelSize: 3 });
  separable.apply(tfl.input({ shape: [4, 4, 2] }));
  for (const weight of [undefined, ...separable.weights]) {
    if (weight) weight.trainable = false;
    expect(outputKernel(separable).shape).toEqual([1, 1, 2, 3]);
  }
});

it('the filters of a bias are its one axis, of a transposed convolution too', () => {
  expect(filterAxes('bias', 'Conv2DTranspose', 1)).toEqual([0]);
  expect(filterAxes('kernel', 'Conv2DTranspose', 4)).toEqual([2]);
  expect(filterAxes('scale', 'Custom', 0)).toEqual([]);
});

describe('foldBatchNorm', () => {
  beforeAll(() => useBackend('cpu'));

  it('K = 3, b = 1 under gamma 2, beta 5, mean 4, variance 0.75, epsilon 0.25 become K 6 and b -1', () => {
    const scalar = (value: number) => tf.tensor1d([value]);
    const affine = { gamma: scalar(2), beta: scalar(5), mean: scalar(4), variance: scalar(0.75), epsilon: 0.25 };
    const { kernel, bias } = foldBatchNorm({ kernel: tf.tensor2d([[3]]), bias: scalar(1) }, affine, [1]);
    expect([kernel.dataSync()[0], bias.dataSync()[0]]).toEqual([6, -1]);
    const bare = foldBatchNorm({ kernel: tf.tensor2d([[3]]) }, { ...affine, gamma: undefined, beta: undefined }, [1]);
    expect([bare.kernel.dataSync()[0], bare.bias.dataSync()[0]]).toEqual([3, -4]);
  });

  for (const [kind, make] of Object.entries({
    dense: () => tfl.layers.dense({ units: 5, inputShape: [4, 4, 2] }),
    convolution: () => conv('c', { inputShape: [4, 4, 2], useBias: false }),
    depthwise: () => tfl.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 3, inputShape: [4, 4, 2] }),
    transposed: () => tfl.layers.conv2dTranspose({ filters: 3, kernelSize: 2, strides: 2, inputShape: [4, 4, 2] }),
    separable: () => tfl.layers.separableConv2d({ filters: 3, kernelSize: 3, inputShape: [4, 4, 2] }),
  }))
    it(`a ${kind} layer with the folded weights does what both layers did`, async () => {
      const model = tfl.sequential({ layers: [make(), norm('norm')] });
      for (const [k, weight] of model.weights.entries()) {
        const positive = weight.originalName.endsWith('variance') ? 1.5 : 0;
        const size = tf.util.sizeFromShape(weight.shape as number[]);
        weight.write(
          tf.tensor(
            Array.from({ length: size }, (_, i) => positive + Math.sin(5 * i + k)),
            weight.shape as number[],
          ),
        );
      }
      const leaked = await leakedTensors(() =>
        tf.tidy(() => {
          const [{ producer, batchNorm }] = foldableBatchNorms(model) as [ReturnType<typeof foldableBatchNorms>[0]];
          const of = (layer: tfl.layers.Layer, name: string) =>
            layer.weights.find((weight) => weight.originalName.endsWith(`/${name}`))?.read();
          const weight = producer.weights.filter((each) => each.originalName.endsWith('kernel')).at(-1)!;
          const axes = filterAxes(weight.originalName, producer.getClassName(), weight.shape.length);
          const affine = {
            gamma: of(batchNorm, 'gamma'),
            beta: of(batchNorm, 'beta'),
            mean: of(batchNorm, 'moving_mean')!,
            variance: of(batchNorm, 'moving_variance')!,
            epsilon: 1e-3,
          };
          const bias = of(producer, 'bias');
          const folded = foldBatchNorm({ kernel: weight.read(), bias }, affine, axes);
          const x = tf.reshape(tf.sin(tf.range(0, 64)), [2, 4, 4, 2]);
          const expected = model.predict(x) as tf.Tensor;
          weight.write(folded.kernel);
          if (bias) producer.weights.at(-1)!.write(tf.zerosLike(bias));
          const found = tf.add(producer.apply(x) as tf.Tensor, folded.bias);
          expect(tf.max(tf.abs(tf.sub(found, expected))).dataSync()[0]).toBeLessThan(1e-5);
        }),
      );
      expect(leaked).toBe(0);
    });
});
