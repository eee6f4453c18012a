import { calibrate, dequantizeModel, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  type LayerVariable,
  layers,
  model,
  type RNN,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { activationQuantizers } from '../../src/model/activation-quantizers';

beforeAll(() => useBackend('cpu'));

const on = (layer: layers.Layer, ...nodes: SymbolicTensor[]) =>
  layer.apply(nodes.length === 1 ? nodes[0]! : nodes) as SymbolicTensor;
const start = { recurrentInitializer: 'glorotUniform' } as const;

/** Whether codes of the input of each layer are signed, by the layer's path. */
async function signs(of: LayersModel, modelInput = false): Promise<Record<string, boolean>> {
  const quantized = await quantizeModel(of, { bits: 8, activations: { bits: 8, modelInput } });
  return Object.fromEntries(
    activationQuantizers(quantized).map(({ path, quantizer }) => [path, quantizer.settings.signed]),
  );
}

describe('the input of a layer is signed', () => {
  it('in a nested model of two inputs, of which one call has a ReLU before the second and another has not', async () => {
    const [a, b] = [input({ shape: [3] }), input({ shape: [3] })];
    const inner = model({
      inputs: [a, b],
      outputs: on(layers.add(), a, on(layers.dense({ units: 3, name: 'fc' }), b)),
      name: 'inner',
    });
    const x = input({ shape: [3] });
    const h = on(layers.dense({ units: 3, name: 'first' }), x);
    const once = on(inner, h, on(layers.reLU(), h));
    const twice = on(inner, h, on(layers.activation({ activation: 'linear' }), h));
    const net = model({ inputs: x, outputs: on(layers.add(), once, twice) });
    expect(await signs(net)).toEqual({ 'inner/fc': true });
    const onlyRelu = model({ inputs: x, outputs: once });
    expect(await signs(onlyRelu)).toEqual({ 'inner/fc': false });
    // With the negative half clipped the outputs were off by most of their size; 8 bits are off by about 1 %.
    const xs = tf.randomNormal([64, 3], 0, 1, 'float32', 1);
    const quantized = await quantizeModel(net, { bits: 8, activations: 8, init: 'mse' });
    await calibrate(quantized, xs);
    const [expected, actual] = [net, quantized].map((each) => each.predict(xs) as tf.Tensor);
    const largest = (t: tf.Tensor) => tf.max(tf.abs(t)).dataSync()[0]!;
    expect(largest(tf.sub(expected!, actual!))).toBeLessThan(0.1 * largest(expected!));
  });

  it('behind a layer of another class that has a ReLU and computes on from there', async () => {
    class Shifted extends layers.Layer {
      static readonly className = 'Shifted';
      readonly activation = { getClassName: () => 'relu' };
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        return tf.sub(tf.relu(Array.isArray(inputs) ? inputs[0]! : inputs), 1);
      }
    }
    tf.serialization.registerClass(Shifted as never);
    const net = sequential({
      layers: [layers.dense({ units: 3, inputShape: [3] }), new Shifted({}), layers.dense({ units: 2, name: 'last' })],
    });
    expect(await signs(net)).toEqual({ last: true });
  });

  it('behind a ReLU with a negative threshold', async () => {
    const net = (theta: number) =>
      sequential({
        layers: [
          layers.dense({ units: 3, inputShape: [3] }),
          layers.thresholdedReLU({ theta }),
          layers.dense({ units: 2, name: 'last' }),
        ],
      });
    expect(await signs(net(-1))).toEqual({ last: true });
    expect(await signs(net(0))).toEqual({ last: false });
  });
});

describe('what goes into a layer is not quantized', () => {
  it('where it is indices, of an embedding alone or over time', async () => {
    const embedding = () => layers.embedding({ inputDim: 9, outputDim: 3, name: 'table' });
    const net = sequential({
      layers: [
        layers.timeDistributed({ layer: embedding(), inputShape: [4, 2], name: 'over_time' }),
        layers.flatten(),
        layers.dense({ units: 2, name: 'last' }),
      ],
    });
    expect(await signs(net, true)).toEqual({ last: true });
  });

  it('where it is several tensors: the layer is refused by its name, but recurrent ones have states', async () => {
    class Bilinear extends layers.Layer {
      static readonly className = 'Bilinear';
      declare kernel: LayerVariable;
      override build(shapes: unknown): void {
        const size = (shapes as number[][])[0]![1]!;
        this.kernel = this.addWeight('kernel', [size, size], 'float32', {
          apply: (shape: number[]) => tf.randomNormal(shape),
        } as never);
        super.build(shapes as number[]);
      }
      override computeOutputShape(shapes: unknown): number[] {
        return [(shapes as number[][])[0]![0]!, 1];
      }
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        const [a, b] = inputs as [tf.Tensor2D, tf.Tensor2D];
        return tf.tidy(() => tf.sum(tf.mul(tf.matMul(a, this.kernel.read() as tf.Tensor2D), b), 1, true));
      }
    }
    tf.serialization.registerClass(Bilinear as never);
    const [a, b] = [input({ shape: [3] }), input({ shape: [3] })];
    const net = model({ inputs: [a, b], outputs: on(new Bilinear({ name: 'bilinear' }), a, b) });
    await expect(quantizeModel(net, { bits: 4, activations: { bits: 4, modelInput: true } })).rejects.toThrow(
      /quantizeModel: layer bilinear has several inputs, of which activations can quantize none; put FakeQuant layers before it/,
    );
    const without = await quantizeModel(net, {
      bits: 4,
      activations: { bits: 4, modelInput: true },
      overrides: { bilinear: { activations: null } },
    });
    expect(activationQuantizers(without)).toEqual([]);
    const xs = [1, 2].map((seed) => tf.randomNormal([5, 3], 0, 1, 'float32', seed));
    const plain = await dequantizeModel(without);
    expect((plain.predict(xs) as tf.Tensor).dataSync()).toEqual((without.predict(xs) as tf.Tensor).dataSync());

    const x = input({ shape: [3, 4] });
    const states = [input({ shape: [2] }), input({ shape: [2] })];
    const layer = layers.gru({ ...start, units: 2 }) as RNN;
    const both = layers.bidirectional({ layer, mergeMode: 'concat', name: 'both' });
    const recurrent = model({ inputs: [x, ...states], outputs: on(both, x, ...states) });
    expect(await signs(recurrent, true)).toEqual({ both: true });
  });
});

describe('the input of a layer has an offset', () => {
  const after = (activation: 'gelu' | 'swish' | 'mish' | 'relu' | 'tanh' | 'elu') =>
    sequential({
      layers: [
        layers.dense({ units: 4, inputShape: [3], activation: activation as never }),
        layers.dropout({ rate: 0.1 }),
        layers.dense({ units: 2, name: 'last' }),
      ],
    });
  const settings = async (net: LayersModel, activations: Parameters<typeof quantizeModel>[1]['activations'] = 4) => {
    const quantized = await quantizeModel(net, { bits: 4, firstLast: 'same', activations });
    const { signed, offset, init } = activationQuantizers(quantized)[0]!.quantizer.settings;
    return { signed, offset, init };
  };

  it.each(['gelu', 'swish', 'mish'] as const)(
    'after %s, and then it is unsigned and fitted to the data',
    async (kind) => {
      expect(await settings(after(kind))).toEqual({ signed: false, offset: true, init: 'mse' });
    },
  );

  it.each([
    ['relu', { signed: false, offset: false, init: 'lsq' }],
    ['tanh', { signed: true, offset: false, init: 'lsq' }],
    ['elu', { signed: true, offset: false, init: 'lsq' }],
  ] as const)('not after %s', async (kind, expected) => {
    expect(await settings(after(kind))).toEqual(expected);
  });

  it('where a GELU and a ReLU are added, and not where something signed is', async () => {
    const x = input({ shape: [3] });
    const [gelu, relu, plain] = ['gelu', 'relu', 'linear'].map((activation) =>
      on(layers.dense({ units: 4, activation: activation as never }), x),
    ) as [SymbolicTensor, SymbolicTensor, SymbolicTensor];
    const net = (...parts: [SymbolicTensor, SymbolicTensor]) =>
      model({ inputs: x, outputs: on(layers.dense({ units: 2 }), on(layers.add(), ...parts)) });
    expect((await settings(net(gelu, relu))).offset).toBe(true);
    expect((await settings(net(gelu, plain))).offset).toBe(false);
  });

  it('unless offset, the sign or a step is given', async () => {
    expect(await settings(after('gelu'), { bits: 4, offset: false })).toEqual({
      signed: true,
      offset: false,
      init: 'lsq',
    });
    expect(await settings(after('gelu'), { bits: 4, signed: true })).toEqual({
      signed: true,
      offset: false,
      init: 'lsq',
    });
    expect(await settings(after('gelu'), { bits: 4, init: 0.1 })).toEqual({ signed: true, offset: false, init: 0.1 });
  });

  it('which costs less at 4 bits: after a GELU the error of the activations halves at least', async () => {
    const xs = tf.randomNormal([500, 3], 0, 1, 'float32', 2);
    const net = after('gelu');
    const error = async (offset: boolean) => {
      const quantized = await quantizeModel(net, { bits: 12, activations: { bits: 4, offset }, firstLast: 'same' });
      await calibrate(quantized, xs);
      const [expected, actual] = [net, quantized].map((each) => each.predict(xs) as tf.Tensor);
      return tf.mean(tf.squaredDifference(expected!, actual!)).dataSync()[0]!;
    };
    expect(await error(true)).toBeLessThan((await error(false)) / 2);
  });
});
