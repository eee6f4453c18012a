import { calibrate, FakeQuant, quantizeModel } from '@qgen/lsq';
import { exportOnnx, verifyOnnx } from '@qgen/lsq/onnx';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, type SymbolicTensor, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { ort } from '../../../../test/onnx-runtime';
import { readOnnx } from './stored-codes';

beforeAll(() => useBackend('cpu'));

type Build = () => LayersModel;
type Through = (x: SymbolicTensor) => SymbolicTensor;

/** A model of one input, whose weights are not those of their start. */
function of(shape: (number | null)[], through: Through, dtype: 'float32' | 'int32' = 'float32'): LayersModel {
  const x = input({ shape, name: 'x', dtype });
  const made = model({ inputs: x, outputs: through(x) });
  const weights = made.getWeights();
  // Variances must be positive.
  made.setWeights(
    weights.map((weight, i) => tf.add(tf.mul(weight, 0.5), tf.randomUniform(weight.shape, 0.1, 0.9, 'float32', i))),
  );
  return made;
}

const apply = (layer: layers.Layer, x: SymbolicTensor | SymbolicTensor[]) => layer.apply(x) as SymbolicTensor;
const one =
  (shape: (number | null)[], layer: () => layers.Layer): Build =>
  () =>
    of(shape, (x) => apply(layer(), x));
const image = [7, 8, 3];

const single: Readonly<Record<string, Build>> = {
  ...Object.fromEntries(
    [
      'relu',
      'relu6',
      'sigmoid',
      'hardSigmoid',
      'tanh',
      'elu',
      'selu',
      'softplus',
      'softsign',
      'softmax',
      'swish',
      'mish',
    ]
      .concat('gelu', 'gelu_new', 'linear')
      .map((activation) => [
        `Dense with ${activation}`,
        one([5], () => layers.dense({ units: 4, activation: activation as 'relu' })),
      ]),
  ),
  'Dense on a map': one(image, () => layers.dense({ units: 4 })),
  'Dense without bias': one([5], () => layers.dense({ units: 4, useBias: false })),
  ReLU: one(image, () => layers.reLU()),
  'ReLU with a greatest value': one(image, () => layers.reLU({ maxValue: 0.7 })),
  LeakyReLU: one(image, () => layers.leakyReLU({ alpha: 0.2 })),
  ELU: one(image, () => layers.elu()),
  ThresholdedReLU: one(image, () => layers.thresholdedReLU({ theta: 0.4 })),
  PReLU: one(image, () => layers.prelu()),
  'PReLU with shared axes': one(image, () => layers.prelu({ sharedAxes: [1, 2] })),
  Softmax: one(image, () => layers.softmax({ axis: 3 })),
  Conv1D: one([9, 3], () => layers.conv1d({ filters: 4, kernelSize: 4, strides: 2, padding: 'same' })),
  'Conv1D, dilated': one([9, 3], () => layers.conv1d({ filters: 4, kernelSize: 3, dilationRate: 2 })),
  Conv3D: one([5, 4, 6, 2], () => layers.conv3d({ filters: 3, kernelSize: [3, 2, 2], strides: 2, padding: 'same' })),
  'Conv2D, same with an even kernel': one(image, () =>
    layers.conv2d({ filters: 4, kernelSize: [2, 4], padding: 'same' }),
  ),
  'Conv2D, same with a stride': one(image, () =>
    layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' }),
  ),
  'Conv2D, same with an even size and a stride of 3': one([8, 8, 3], () =>
    layers.conv2d({ filters: 4, kernelSize: 4, strides: 3, padding: 'same' }),
  ),
  'Conv2D, a stride larger than the kernel': one(image, () =>
    layers.conv2d({ filters: 4, kernelSize: 1, strides: 2, padding: 'same' }),
  ),
  'Conv2D, dilated': one([9, 9, 3], () =>
    layers.conv2d({ filters: 4, kernelSize: 3, dilationRate: [2, 3], padding: 'same' }),
  ),
  'Conv2D, channels first': one([3, 7, 8], () =>
    layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', dataFormat: 'channelsFirst' }),
  ),
  'Conv2D of an open size': one([null, null, 3], () =>
    layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' }),
  ),
  'Conv2D with softmax': one(image, () => layers.conv2d({ filters: 4, kernelSize: 3, activation: 'softmax' })),
  DepthwiseConv2D: one(image, () =>
    layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, strides: 2, padding: 'same' }),
  ),
  'DepthwiseConv2D, dilated, which the layer of tfjs leaves out': one([9, 9, 3], () =>
    layers.depthwiseConv2d({ kernelSize: 3, dilationRate: 2, padding: 'same' }),
  ),
  'DepthwiseConv2D, dilated, valid': one(image, () => layers.depthwiseConv2d({ kernelSize: 3, dilationRate: 2 })),
  SeparableConv2D: one(image, () => layers.separableConv2d({ filters: 4, kernelSize: 3 })),
  'Conv2DTranspose, same': one(image, () =>
    layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' }),
  ),
  'Conv2DTranspose, valid': one(image, () => layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2 })),
  'Conv2DTranspose, a stride larger than the kernel': one(image, () =>
    layers.conv2dTranspose({ filters: 4, kernelSize: 2, strides: 3, padding: 'same' }),
  ),
  MaxPooling1D: one([9, 3], () => layers.maxPooling1d({ poolSize: 2, strides: 2, padding: 'same' })),
  AveragePooling1D: one([9, 3], () => layers.averagePooling1d({ poolSize: 3, strides: 2, padding: 'same' })),
  MaxPooling2D: one(image, () => layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })),
  'MaxPooling2D, valid': one(image, () => layers.maxPooling2d({ poolSize: [2, 3] })),
  AveragePooling2D: one(image, () => layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' })),
  'AveragePooling2D, channels first': one([3, 7, 8], () =>
    layers.averagePooling2d({ poolSize: 2, padding: 'same', dataFormat: 'channelsFirst' }),
  ),
  MaxPooling3D: one([4, 5, 6, 2], () => layers.maxPooling3d({ poolSize: 2, padding: 'same' })),
  AveragePooling3D: one([4, 5, 6, 2], () => layers.averagePooling3d({ poolSize: 2 })),
  GlobalAveragePooling1D: one([9, 3], () => layers.globalAveragePooling1d()),
  GlobalMaxPooling1D: one([9, 3], () => layers.globalMaxPooling1d()),
  GlobalAveragePooling2D: one([null, null, 3], () => layers.globalAveragePooling2d({})),
  GlobalMaxPooling2D: one(image, () => layers.globalMaxPooling2d({})),
  BatchNormalization: one(image, () => layers.batchNormalization({})),
  'BatchNormalization without scale and center': one(image, () =>
    layers.batchNormalization({ scale: false, center: false }),
  ),
  'BatchNormalization of rows': one(image, () => layers.batchNormalization({ axis: 1 })),
  'BatchNormalization of vectors': one([5], () => layers.batchNormalization()),
  LayerNormalization: one(image, () => layers.layerNormalization()),
  'LayerNormalization over two axes': one(image, () => layers.layerNormalization({ axis: [2, 3] })),
  'LayerNormalization without scale and center': one(image, () =>
    layers.layerNormalization({ scale: false, center: false }),
  ),
  Rescaling: one(image, () => layers.rescaling({ scale: 2, offset: -1 })),
  Flatten: one(image, () => layers.flatten()),
  'Flatten, channels first': one([3, 7, 8], () => layers.flatten({ dataFormat: 'channelsFirst' })),
  Reshape: one(image, () => layers.reshape({ targetShape: [14, -1] })),
  Permute: one(image, () => layers.permute({ dims: [3, 1, 2] })),
  RepeatVector: one([5], () => layers.repeatVector({ n: 3 })),
  ZeroPadding2D: one(image, () =>
    layers.zeroPadding2d({
      padding: [
        [1, 2],
        [0, 3],
      ],
    }),
  ),
  Cropping2D: one(image, () =>
    layers.cropping2D({
      cropping: [
        [1, 2],
        [0, 3],
      ],
    }),
  ),
  UpSampling2D: one(image, () => layers.upSampling2d({ size: [2, 3] })),
  'UpSampling2D, bilinear': one(image, () => layers.upSampling2d({ size: [2, 3], interpolation: 'bilinear' })),
  'zeros around negative values, of which a maximum is taken': () =>
    of(image, (x) => {
      const negative = apply(layers.rescaling({ scale: 1, offset: -9 }), x);
      const padded = apply(layers.zeroPadding2d({ padding: 1 }), negative);
      return apply(layers.maxPooling2d({ poolSize: 3, strides: 2 }), padded);
    }),
  'zeros wider than the windows of a pooling': () =>
    of(image, (x) => {
      const padded = apply(layers.zeroPadding2d({ padding: 2 }), x);
      return apply(layers.averagePooling2d({ poolSize: [1, 2], strides: 2 }), padded);
    }),
  Dropout: one(image, () => layers.dropout({ rate: 0.5 })),
  Embedding: () => of([4], (x) => apply(layers.embedding({ inputDim: 9, outputDim: 5 }), x), 'int32'),
};

const conv = (x: SymbolicTensor, filters = 6, config: Partial<Parameters<typeof layers.conv2d>[0]> = {}) =>
  apply(layers.conv2d({ filters, kernelSize: 3, padding: 'same', ...config }), x);
const norm = (x: SymbolicTensor) => apply(layers.batchNormalization(), x);

const graphs: Readonly<Record<string, Build>> = {
  'convolutions and Flatten, channels last': () =>
    of(image, (x) => apply(layers.dense({ units: 4 }), apply(layers.flatten(), conv(conv(x))))),
  'branches that are added, multiplied, compared and joined': () =>
    of(image, (x) => {
      const [a, b] = [norm(conv(x)), conv(x, 6, { activation: 'tanh' })];
      const merged = [layers.add(), layers.multiply(), layers.average(), layers.maximum(), layers.minimum()].map(
        (each) => apply(each, [a, b]),
      );
      const joined = apply(layers.concatenate(), merged);
      const rows = apply(layers.concatenate({ axis: 1 }), [joined, joined]);
      return apply(layers.dense({ units: 3 }), apply(layers.globalAveragePooling2d({}), conv(rows)));
    }),
  'a map times a vector': () =>
    of(image, (x) => {
      const map = conv(x);
      const gate = apply(
        layers.dense({ units: 6, activation: 'sigmoid' }),
        apply(layers.globalAveragePooling2d({}), map),
      );
      return conv(apply(layers.multiply(), [map, gate]));
    }),
  'a layer that is called twice': () =>
    of([5], (x) => {
      const shared = layers.dense({ units: 5, activation: 'tanh' });
      return apply(layers.add(), [apply(shared, x), apply(shared, apply(shared, x))]);
    }),
  'a nested model that is called twice, and its layer outside of it': () =>
    of([5], (x) => {
      const inner = sequential({ layers: [layers.dense({ units: 5, inputShape: [5] }), layers.reLU()] });
      const y = inner.apply(inner.apply(x) as SymbolicTensor) as SymbolicTensor;
      return apply(layers.add(), [y, apply(inner.layers[0]!, x)]);
    }),
  'a graph in a graph, with convolutions on both sides': () =>
    of(image, (x) => {
      const inside = input({ shape: [7, 8, 6] });
      const inner = model({ inputs: inside, outputs: apply(layers.add(), [conv(inside), inside]) });
      return conv(inner.apply(conv(x)) as SymbolicTensor);
    }),
  'a normalization before the activation of a residual network': () =>
    of(image, (x) => {
      const y = conv(x);
      const z = conv(apply(layers.activation({ activation: 'relu' }), norm(y)));
      return norm(apply(layers.add(), [y, z]));
    }),
  'a normalization of a channels-first convolution': () =>
    of([3, 7, 8], (x) =>
      apply(layers.batchNormalization({ axis: 1 }), conv(x, 4, { dataFormat: 'channelsFirst', useBias: false })),
    ),
  'several outputs, a map and a vector that is computed from it': () => {
    const x = input({ shape: image, name: 'x' });
    const y = conv(x);
    return model({ inputs: x, outputs: [y, apply(layers.flatten(), conv(y))] });
  },
  'an output that goes into a layer of three units': () => {
    const x = input({ shape: [8], name: 'x' });
    const y = apply(layers.dense({ units: 8, activation: 'tanh' }), x);
    return model({ inputs: x, outputs: [apply(layers.dense({ units: 3 }), y), y] });
  },
  'two inputs': () => {
    const [a, b] = [input({ shape: [4], name: 'a' }), input({ shape: [3], name: 'b' })];
    const joined = apply(layers.concatenate(), [a, b]);
    return model({ inputs: [a, b], outputs: apply(layers.dense({ units: 3 }), joined) });
  },
};

function inputsOf(of: LayersModel): tf.Tensor[] {
  return of.inputs.map(({ shape, dtype }, i) => {
    const sizes = [3, ...shape.slice(1).map((size) => size ?? 7)];
    return dtype === 'int32' ? tf.randomUniform(sizes, 0, 9, 'int32', i) : tf.randomNormal(sizes, 0, 1, 'float32', i);
  });
}

async function differences(of: LayersModel, xs: tf.Tensor[]) {
  const { bytes, sessionOptions } = await exportOnnx(of);
  const given = xs.length === 1 ? xs[0]! : xs;
  return { bytes, report: await verifyOnnx(of, given, { bytes, ort, sessionOptions }) };
}

const built = (build: Build): LayersModel => {
  let made!: LayersModel;
  tf.tidy(() => {
    made = build();
  });
  return made;
};

describe.each(Object.entries({ ...single, ...graphs }))('%s', (_, build) => {
  it('in float', async () => {
    const float = built(build);
    const xs = inputsOf(float);
    const leaked = await leakedTensors(async () => {
      const { bytes, report } = await differences(float, xs);
      for (const { maxDifference, largest } of report.outputs)
        expect(maxDifference).toBeLessThanOrEqual(5e-6 * largest);
      const { input: inputs, output: outputs } = readOnnx(bytes).graph!;
      expect([inputs.length, outputs.length]).toEqual([float.inputs.length, float.outputs.length]);
    });
    expect(leaked).toBe(0);
    float.dispose();
    tf.dispose(xs);
  });
});

describe.each(Object.entries(graphs))('%s', (_, build) => {
  it.each([8, 4, 2])('with kernels of %i bits, and with activations of 8', async (bits) => {
    const float = built(build);
    const xs = inputsOf(float);
    for (const activations of [null, { bits: 8, modelInput: true }]) {
      const quantized = await quantizeModel(float, { bits, activations, firstLast: 'same', perChannel: true });
      if (activations) await calibrate(quantized, xs.length === 1 ? xs[0]! : xs);
      const { report } = await differences(quantized, xs);
      for (const { maxDifference, largest } of report.outputs)
        expect(maxDifference).toBeLessThanOrEqual(1e-4 * largest);
      expect([...report.kernels.differentCodes, ...report.kernels.differentSteps]).toEqual([]);
      for (const { differing } of report.activations) expect(differing).toBe(0);
      quantized.dispose();
    }
    float.dispose();
    tf.dispose(xs);
  });
});

describe('quantized activations', () => {
  const settings = [2, 3, 4, 6, 8, 12, 16].flatMap((bits) =>
    [
      { signed: true, offset: false },
      { signed: false, offset: false },
      { signed: true, offset: true },
      { signed: false, offset: true },
    ].map((each) => ({ bits, ...each })),
  );

  it.each(settings)('of $bits bits, signed: $signed, offset: $offset', async (options) => {
    const made = sequential({
      layers: [new FakeQuant({ ...options, inputShape: [40] }) as layers.Layer, layers.dense({ units: 3 })],
    });
    const xs = tf.randomNormal([50, 40], 0.5, 1, 'float32', 1);
    await calibrate(made, xs);
    const { report } = await differences(made, [xs]);
    expect(report.activations).toHaveLength(1);
    expect(report.activations[0]).toMatchObject({ values: 2000, differing: 0, largest: 0 });
    expect(report.outputs[0]!.maxDifference).toBeLessThan(1e-5 * report.outputs[0]!.largest);
    made.dispose();
    xs.dispose();
  });
});

describe('steps along other axes than that of the filters', () => {
  const residual = () =>
    of([6, 8], (x) => {
      const y = apply(layers.batchNormalization(), apply(layers.dense({ units: 6, name: 'fc' }), x));
      return apply(layers.dense({ units: 4 }), y);
    });

  it.each([8, 4, 2])(
    'groups of inputs and of outputs, with a normalization that is folded, at %i bits',
    async (bits) => {
      for (const axis of [0, 1]) {
        const float = built(residual);
        const made = await quantizeModel(float, { bits, groups: { count: 2, axis }, firstLast: 'same' });
        const xs = inputsOf(float);
        const { report } = await differences(made, xs);
        expect(report.kernels).toEqual({ total: 2, differentCodes: [], differentSteps: [] });
        expect(report.outputs[0]!.maxDifference).toBeLessThan(5e-6 * report.outputs[0]!.largest);
        float.dispose();
        made.dispose();
        tf.dispose(xs);
      }
    },
  );

  it.each([
    { bits: 8, signed: true, offset: false },
    { bits: 4, signed: true, offset: false },
    { bits: 3, signed: false, offset: false },
  ])('activations of $bits bits with a step a channel, and one a row', async (options) => {
    for (const axis of [3, 1]) {
      const x = input({ shape: [5, 5, 4], name: 'x' });
      const y = apply(new FakeQuant({ ...options, axis }) as layers.Layer, conv(x));
      const made = model({ inputs: x, outputs: conv(y) });
      const xs = tf.mul(tf.randomNormal([6, 5, 5, 4], 0, 1, 'float32', 1), [1, 2, 3, 4]);
      await calibrate(made, xs);
      const { report } = await differences(made, [xs]);
      expect(report.activations).toHaveLength(1);
      expect(report.activations[0]).toMatchObject({ values: 900, differing: 0 });
      expect(report.outputs[0]!.maxDifference).toBeLessThan(1e-5 * report.outputs[0]!.largest);
      made.dispose();
      xs.dispose();
    }
  });
});

it('inputs of integers go into a file that takes floats', async () => {
  const made = sequential({ layers: [layers.embedding({ inputDim: 9, outputDim: 5, inputLength: 4 })] });
  const xs = tf.tensor2d([[1, 2, 8, 0]], [1, 4], 'int32');
  const { report } = await differences(made, [xs]);
  expect(report.outputs[0]).toMatchObject({ values: 20, maxDifference: 0 });
  made.dispose();
  xs.dispose();
});
