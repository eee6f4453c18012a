import { quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  layers,
  model,
  type RNN,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { weightNorms } from '../../src/norms/weight-norms';
import { snapshot } from '../../src/subject/snapshot';

const start = { recurrentInitializer: 'glorotUniform' } as const;
const dense = (units: number, inputShape?: number[], name?: string) => layers.dense({ units, inputShape, name });
const on = (layer: layers.Layer, ...nodes: SymbolicTensor[]) =>
  layer.apply(nodes.length === 1 ? nodes[0]! : nodes) as SymbolicTensor;

/** Models in which the last part of a weight's name, or the name of a layer, occurs more than once. */
const kinds: Readonly<Record<string, () => LayersModel>> = {
  'a bidirectional GRU': () =>
    sequential({
      layers: [
        layers.bidirectional({
          layer: layers.gru({ ...start, units: 3 }) as RNN,
          mergeMode: 'concat',
          inputShape: [4, 3],
        }),
        dense(2),
      ],
    }),
  'stacked recurrent cells': () =>
    sequential({
      layers: [
        layers.rnn({
          cell: [layers.gruCell({ ...start, units: 3 }), layers.gruCell({ ...start, units: 3 })] as never,
          inputShape: [4, 3],
        }),
        dense(2),
      ],
    }),
  'two nested models with a layer fc each': () => {
    const x = input({ shape: [3] });
    const part = () => sequential({ layers: [dense(3, [3], 'fc'), dense(3, undefined, 'out')] });
    return model({ inputs: x, outputs: on(dense(2), on(part(), on(part(), x))) });
  },
  'a model distributed over time that holds two such models': () => {
    const x = input({ shape: [3] });
    const part = () => sequential({ layers: [dense(3, [3], 'fc')] });
    const step = model({ inputs: x, outputs: on(part(), on(part(), x)) });
    return sequential({
      layers: [layers.timeDistributed({ layer: step, inputShape: [4, 3] }), layers.flatten(), dense(2)],
    });
  },
};

describe('|w - w0| of an untouched model is 0', () => {
  beforeAll(() => useBackend('cpu'));

  it.each(Object.entries(kinds))('%s, whatever is frozen', async (_, build) => {
    const net = build();
    const initial = await snapshot(net);
    const distance = async (of: LayersModel) =>
      (await weightNorms(of, { initial, scope: 'all', view: 'float' })).total.distance;
    expect(await distance(net)).toBe(0);
    expect(new Set(initial.raw.map(({ name }) => name)).size).toBe(initial.raw.length);
    net.weights[0]!.trainable = false;
    expect(await distance(net)).toBe(0);
    net.weights.at(-2)!.trainable = false;
    expect(await distance(net)).toBe(0);
  });

  it.each(Object.entries(kinds))('%s, seen from its quantized copy', async (_, build) => {
    const net = build();
    const initial = await snapshot(net);
    const copy = await quantizeModel(net, { bits: 4 });
    expect((await weightNorms(copy, { initial, view: 'float' })).total.distance).toBe(0);
  });

  it.each(Object.entries(kinds))('%s, built a second time with the same weights', async (_, build) => {
    const net = build();
    const twin = build();
    // The order of a model that nothing is frozen in.
    twin.setWeights(net.getWeights());
    const { total } = await weightNorms(twin, { initial: await snapshot(net), scope: 'all' });
    expect(total.distance).toBe(0);
    const onlyTheLast = (initial: Awaited<ReturnType<typeof snapshot>>) =>
      weightNorms(twin, { initial, scope: ({ shape, role }) => role === 'kernel' && shape[1] === 2 });
    expect((await onlyTheLast(await snapshot(net))).total.distance).toBe(0);
  });

  it('two variables named w of a model that is a function', async () => {
    const variables = [1, 2].map((value) => ({ name: 'w', variable: tf.variable(tf.fill([2, 2], value)) }));
    const net = {
      variables,
      forward: (x: tf.Tensor) => variables.reduce((h, { variable }) => tf.matMul(h, variable), x),
    };
    const { total } = await weightNorms(net, { initial: await snapshot(net) });
    expect(total.distance).toBe(0);
  });

  it('layers between which a branch leads past, folded or not', async () => {
    const x = input({ shape: [3] });
    const part = () => sequential({ layers: [dense(3, [3], 'fc'), layers.batchNormalization({ name: 'norm' })] });
    const net = model({ inputs: x, outputs: on(layers.add(), on(part(), x), on(part(), x)) });
    const initial = await snapshot(net);
    for (const batchNorm of ['fold', 'inference'] as const)
      expect((await weightNorms(net, { initial, scope: 'all', batchNorm })).total.distance).toBe(0);
    // Dense layers without bias get one by folding.
    const bare = sequential({
      layers: [layers.dense({ units: 3, useBias: false, inputShape: [3] }), layers.batchNormalization(), dense(2)],
    });
    // And a normalization may have neither gamma nor beta, and still have a mean and a variance to fold.
    const plain = sequential({
      layers: [dense(3, [3]), layers.batchNormalization({ scale: false, center: false }), dense(2)],
    });
    plain.weights.find(({ originalName }) => /variance/.test(originalName))!.write(tf.tensor1d([4, 9, 16]));
    for (const each of [bare, plain]) {
      const { total } = await weightNorms(each, { initial: await snapshot(each), scope: 'all', batchNorm: 'fold' });
      expect(total.distance).toBe(0);
    }
  });
});

describe('a snapshot that does not fit is refused', () => {
  beforeAll(() => useBackend('cpu'));

  it('of another architecture, although a layer of it has the shape and the place', async () => {
    const [two, three] = [2, 3].map((depth) =>
      sequential({ layers: Array.from({ length: depth }, (_, i) => dense(3, i === 0 ? [3] : undefined)) }),
    );
    await expect(weightNorms(two!, { initial: await snapshot(three!) })).rejects.toThrow(
      /weightNorms: the snapshot has no counterpart of dense_Dense\d+\/kernel \[3,3\]; take it from the same architecture/,
    );
  });

  it('of other variables, where names do not tell them apart', async () => {
    const of = (count: number) => {
      const variables = Array.from({ length: count }, () => ({ name: 'w', variable: tf.variable(tf.ones([2, 2])) }));
      return { variables, forward: (x: tf.Tensor) => variables.reduce((h, { variable }) => tf.matMul(h, variable), x) };
    };
    await expect(weightNorms(of(2), { initial: await snapshot(of(3)) })).rejects.toThrow(
      /weightNorms: names do not tell the parameters apart/,
    );
  });
});
