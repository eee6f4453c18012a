import { dequantizeModel, exportQuantized, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  type LayerVariable,
  layers,
  model,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { predictions, targetsOf } from '../model-kinds';

beforeAll(() => useBackend('cpu'));

const on = (layer: layers.Layer, ...nodes: SymbolicTensor[]) =>
  layer.apply(nodes.length === 1 ? nodes[0]! : nodes) as SymbolicTensor;
const node = (size = 3) => input({ shape: [size] });
const dense = (units: number, name: string, inputShape?: number[]) => layers.dense({ units, name, inputShape });
const xs = () => [tf.randomNormal([6, 3], 0, 1, 'float32', 1)];
const biased = (of: LayersModel): LayersModel => {
  // Biases that are not zero, so that a lost one shows.
  of.weights.forEach((weight, i) => void weight.write(tf.randomNormal(weight.shape as number[], 0, 1, 'float32', i)));
  return of;
};

/** Models in which a layer, or a model, is reached by two paths, and the number of kernels that they have. */
const kinds: Readonly<Record<string, readonly [number, () => LayersModel]>> = {
  'an encoder in two sequential parents': [
    3,
    () => {
      const encoder = sequential({ name: 'encoder', layers: [dense(3, 'fc', [3])] });
      const parents = [1, 2].map((i) => sequential({ name: `parent${i}`, layers: [encoder, dense(2, `head${i}`)] }));
      const x = node();
      return model({ inputs: x, outputs: on(layers.add(), ...parents.map((parent) => on(parent, x))) });
    },
  ],
  'an encoder in two functional parents': [
    3,
    () => {
      const encoder = sequential({ name: 'encoder', layers: [dense(3, 'fc', [3])] });
      const parents = [1, 2].map((i) => {
        const y = node();
        return model({ inputs: y, outputs: on(dense(2, `head${i}`), on(encoder, y)), name: `parent${i}` });
      });
      const x = node();
      return model({ inputs: x, outputs: on(layers.add(), ...parents.map((parent) => on(parent, x))) });
    },
  ],
  'a Dense inside and outside of a nested model': [
    1,
    () => {
      const shared = dense(3, 'shared');
      const y = node();
      const inner = model({ inputs: y, outputs: on(shared, y), name: 'inner' });
      const x = node();
      return model({ inputs: x, outputs: on(shared, on(inner, x)) });
    },
  ],
  'x → [ae(x), encoder(ae(x))]': [
    2,
    () => {
      const [y, z, x] = [node(), node(), node()];
      const encoder = model({ inputs: y, outputs: on(dense(2, 'down'), y), name: 'encoder' });
      const ae = model({ inputs: z, outputs: on(dense(3, 'up'), on(encoder, z)), name: 'ae' });
      const restored = on(ae, x);
      return model({ inputs: x, outputs: [restored, on(encoder, restored)] });
    },
  ],
  'an autoencoder and its encoder that were cut from one graph': [
    2,
    () => {
      const y = node();
      const code = on(dense(2, 'down'), y);
      const encoder = model({ inputs: y, outputs: code, name: 'encoder' });
      const ae = model({ inputs: y, outputs: on(dense(3, 'up'), code), name: 'ae' });
      const x = node();
      return model({ inputs: x, outputs: [on(ae, x), on(encoder, x)] });
    },
  ],
  'features of a sequential model, beside the model itself': [
    3,
    () => {
      const whole = sequential({ name: 'whole', layers: [dense(4, 'a', [3]), dense(3, 'b'), dense(2, 'c')] });
      const features = model({ inputs: whole.inputs, outputs: whole.layers[1]!.output as SymbolicTensor, name: 'cut' });
      const x = node();
      return model({ inputs: x, outputs: [on(features, x), on(whole, x)] });
    },
  ],
  'the first layer of a sequential model, called before it and after it': [
    2,
    () => {
      const first = dense(3, 'first', [3]);
      const whole = sequential({ name: 'whole', layers: [first, dense(3, 'last')] });
      const x = node();
      return model({ inputs: x, outputs: on(first, on(whole, on(first, x))) });
    },
  ],
};

describe.each(Object.entries(kinds))('%s', (_, [kernels, build]) => {
  it('is rebuilt with one layer for one layer, and predicts the same', async () => {
    const net = biased(build());
    const before = await predictions(net, xs());
    const quantized = await quantizeModel(net, { bits: 16, firstLast: 'same' });
    expect(quantizedWeights(quantized)).toHaveLength(kernels);
    const ofClasses = quantized.weights.filter(({ originalName }) => !originalName.endsWith('_step'));
    expect(new Set(ofClasses).size).toBe(new Set(net.weights).size);
    expect(await predictions(net, xs())).toEqual(before);
    const latent = await dequantizeModel(quantized, { weights: 'latent' });
    expect(await predictions(latent, xs())).toEqual(before);
    const plain = await dequantizeModel(quantized);
    expect(await predictions(plain, xs())).toEqual(await predictions(quantized, xs()));
    const scale = Math.max(...before.map(Math.abs));
    (await predictions(plain, xs())).forEach((value, i) => {
      // 16 bits of LSQ's start: a step of 2 mean|w| / sqrt(32767) = 0.011 mean|w|.
      expect(Math.abs(value - before[i]!)).toBeLessThan(0.05 * scale);
    });
  });

  it('goes on sharing when it is trained: as the float model, with kernels that are not quantized', async () => {
    const net = biased(build());
    const quantized = await quantizeModel(net, { bits: 4, firstLast: 'same' });
    const twin = await dequantizeModel(quantized, { weights: 'latent' });
    const ys = targetsOf(net, xs());
    for (const each of [net, twin]) {
      each.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
      for (let step = 0; step < 3; step++) await each.trainOnBatch(xs()[0]!, ys.length === 1 ? ys[0]! : ys);
    }
    expect(await predictions(twin, xs())).toEqual(await predictions(net, xs()));
  });

  it('leaves nothing behind when it cannot be exported, and says why', async () => {
    const quantized = await quantizeModel(build(), { bits: 4, firstLast: 'same' });
    const leaked = await leakedTensors(() =>
      expect(exportQuantized(quantized, { format: 'packed' })).rejects.toThrow(
        /exportQuantized: layer .* is reached by several paths, .* tf.loadLayersModel refuses; export the parts one by one/,
      ),
    );
    expect(leaked).toBe(0);
  });
});

describe('layers of one name in two nested models', () => {
  const build = () => {
    const part = (name: string) => sequential({ name, layers: [dense(3, 'fc', [3])] });
    const x = node();
    return biased(model({ inputs: x, outputs: on(part('b'), on(part('a'), x)) }));
  };

  it('keep their weights apart', async () => {
    const net = build();
    const quantized = await quantizeModel(net, { bits: 16, firstLast: 'same' });
    expect(quantizedWeights(quantized).map(({ layer }) => layer)).toEqual(['a/fc', 'b/fc']);
    const latent = await dequantizeModel(quantized, { weights: 'latent' });
    expect(await predictions(latent, xs())).toEqual(await predictions(net, xs()));
  });

  it('are refused where names decide: in an export', async () => {
    await expect(exportQuantized(await quantizeModel(build(), { bits: 4 }), { format: 'tfjs' })).rejects.toThrow(
      'exportQuantized: a weight of layer a/fc and one of layer b/fc are both called fc/kernel, which tf.loadLayersModel refuses; give each layer a name that is unique in the whole model',
    );
  });
});

/** A layer that multiplies with the table of an embedding which it finds by name, as language models tie them. */
class Tied extends layers.Layer {
  static readonly className = 'Tied';
  static readonly known = new Map<string, layers.Layer>();
  readonly parts: readonly { readonly embeddings: LayerVariable }[];
  readonly to: string;

  constructor(config: { to: string; name?: string }) {
    super(config as never);
    this.to = config.to;
    this.parts = [Tied.known.get(config.to) as never];
  }

  override computeOutputShape([batch, time]: number[]): number[] {
    return [batch!, time!, 9];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tf.tidy(() => tf.matMul(x, this.parts[0]!.embeddings.read(), false, true));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), to: this.to };
  }
}
tf.serialization.registerClass(Tied as never);

describe('a layer that is tied to another', () => {
  const indices = () => [
    tf.tensor2d([
      [1, 2],
      [3, 8],
    ]),
  ];
  const table = () => layers.embedding({ inputDim: 9, outputDim: 3, name: 'table' });

  it('is refused by name, in float too, and the model stays as it was', async () => {
    const embedding = table();
    Tied.known.set('table', embedding);
    const x = input({ shape: [2] });
    const hidden = on(layers.timeDistributed({ layer: dense(3, 'fc') }), on(embedding, x));
    const net = model({ inputs: x, outputs: on(new Tied({ to: 'table', name: 'tied' }), hidden) });
    const before = await predictions(net, indices());
    const leaked = await leakedTensors(async () => {
      for (const overrides of [undefined, { table: null }])
        await expect(quantizeModel(net, { bits: 2, firstLast: 'same', overrides })).rejects.toThrow(
          'quantizeModel: layers table and tied share the weight table/embeddings, which a model made from their configurations cannot do; give each its own, or call one layer twice',
        );
    });
    expect(leaked).toBe(0);
    expect(await predictions(net, indices())).toEqual(before);
  });

  it('to a layer outside of the model does not touch that layer', async () => {
    const embedding = table();
    Tied.known.set('outside', embedding);
    const x = input({ shape: [2] });
    const outside = model({ inputs: x, outputs: on(embedding, x) });
    const before = await predictions(outside, indices());
    const y = input({ shape: [2, 4] });
    const hidden = on(layers.timeDistributed({ layer: dense(3, 'fc') }), y);
    const net = model({ inputs: y, outputs: on(new Tied({ to: 'outside', name: 'tied' }), hidden) });
    const quantized = await quantizeModel(net, { bits: 2, firstLast: 'same' });
    expect(quantizedWeights(quantized)).toHaveLength(1);
    quantized.predict(tf.ones([1, 2, 4]));
    expect(await predictions(outside, indices())).toEqual(before);
  });

  it('whose class gives every new layer the weights of the first is refused', async () => {
    class Common extends layers.Layer {
      static readonly className = 'Common';
      static kernel: LayerVariable | undefined;
      declare kernel: LayerVariable;
      override build(shape: number[]): void {
        Common.kernel ??= this.addWeight('kernel', [3, 3], 'float32', {
          apply: (size: number[]) => tf.randomNormal(size),
        } as never);
        this.kernel = Common.kernel;
        this._trainableWeights = [this.kernel];
        super.build(shape);
      }
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        const x = Array.isArray(inputs) ? inputs[0]! : inputs;
        return tf.tidy(() => tf.matMul(x as tf.Tensor2D, this.kernel.read() as tf.Tensor2D));
      }
    }
    tf.serialization.registerClass(Common as never);
    const net = sequential({ layers: [dense(3, 'fc', [3]), new Common({ name: 'common' })] });
    const before = await predictions(net, xs());
    const leaked = await leakedTensors(() =>
      expect(quantizeModel(net, { bits: 4, overrides: { common: null } })).rejects.toThrow(
        /quantizeModel: layer common, made from its configuration, has weights of the layer that it was made from; its class must give each layer weights of its own/,
      ),
    );
    expect(leaked).toBe(0);
    expect(await predictions(net, xs())).toEqual(before);
  });

  it('by a wrapper around a layer of the graph is refused', async () => {
    const shared = dense(3, 'shared');
    const x = input({ shape: [2, 3] });
    const wrapped = on(layers.timeDistributed({ layer: shared, name: 'over_time' }), x);
    const net = model({ inputs: x, outputs: on(layers.add(), wrapped, on(shared, x)) });
    await expect(quantizeModel(net, { bits: 4 })).rejects.toThrow(
      /quantizeModel: layers (over_time|shared) and (over_time|shared) share the weight/,
    );
  });
});
