import { heldLayers, leafLayers, namedWeights, pairWeights } from '@qgen/core';
import { layers, model, type RNN, sequential, input as tensorOf } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';

beforeAll(() => useBackend('cpu'));

const start = { recurrentInitializer: 'glorotUniform' } as const;
const built = (layer: layers.Layer, shape: number[]) => {
  layer.apply(tensorOf({ shape }));
  return layer;
};
const names = (layer: layers.Layer) => namedWeights(layer).map(({ name }) => name);
const cell = () => layers.gruCell({ ...start, units: 2 });
const stacked = () => built(layers.rnn({ cell: [cell(), cell()] as never }), [3, 2]);

describe('leafLayers', () => {
  it('gives the layers of nested models by their path, and a shared one once', () => {
    const fc = layers.dense({ units: 2, name: 'fc' });
    const inner = sequential({ name: 'inner', layers: [layers.inputLayer({ inputShape: [2], name: 'x' }), fc] });
    const x = tensorOf({ shape: [2], name: 'y' });
    const outer = model({ inputs: x, outputs: fc.apply(inner.apply(x)) as never });
    expect(leafLayers(outer).map(({ path }) => path)).toEqual(['y', 'inner/x', 'inner/fc']);
  });
});

describe('heldLayers', () => {
  it('of a stack of cells are the layer, the stack and the cells', () => {
    expect(heldLayers(stacked()).map((layer) => layer.getClassName())).toEqual([
      'RNN',
      'StackedRNNCells',
      'GRUCell',
      'GRUCell',
    ]);
  });

  it('of a Bidirectional are both directions, and not the layer that they were copied from', () => {
    const layer = layers.simpleRNN({ ...start, units: 2 }) as RNN;
    const both = built(layers.bidirectional({ layer, mergeMode: 'concat' }), [3, 2]);
    expect(heldLayers(both)).not.toContain(layer);
    expect(heldLayers(both)).toHaveLength(5);
  });
});

describe('namedWeights', () => {
  it('are full names within the layer', () => {
    expect(names(built(layers.dense({ units: 2 }), [3]))).toEqual(['kernel', 'bias']);
    expect(names(stacked())).toEqual(
      [0, 1].flatMap((i) => ['kernel', 'recurrent_kernel', 'bias'].map((name) => `RNNCell_${i}/${name}`)),
    );
  });

  it('are numbered where they repeat, in the order of the graph whatever was built first', () => {
    const [second, first] = [1, 2].map((units) =>
      sequential({ layers: [layers.dense({ units, name: 'fc', inputShape: [2] })] }),
    );
    const x = tensorOf({ shape: [2] });
    const inner = model({ inputs: x, outputs: second.apply(first.apply(x)) as never });
    const layer = built(layers.timeDistributed({ layer: inner }), [3, 2]);
    expect(namedWeights(layer).map(({ name, weight }) => [name, weight.shape])).toEqual([
      ['fc/kernel', [2, 2]],
      ['fc/bias', [2]],
      ['fc/kernel#2', [2, 1]],
      ['fc/bias#2', [1]],
    ]);
  });

  it('stay what they are when weights are frozen, unlike the order of layer.weights', () => {
    const layer = built(layers.batchNormalization(), [3]);
    const before = names(layer);
    layer.weights[0].trainable = false;
    expect(layer.weights.map(({ originalName }) => originalName.split('/').at(-1))).not.toEqual(before);
    expect(names(layer)).toEqual(before);
  });
});

describe('pairWeights', () => {
  const pair = (from: layers.Layer, to: layers.Layer) =>
    pairWeights('quantizeModel', 'encoder/fc', namedWeights(from), namedWeights(to)).map((weights) =>
      weights.map(({ originalName }) => originalName.split('/').at(-1)),
    );

  it('pairs by name, whatever the order of the weights', () => {
    const [a, b] = [built(layers.batchNormalization(), [3]), built(layers.batchNormalization(), [3])];
    b.weights[0].trainable = false;
    expect(pair(a, b)).toEqual(names(a).map((name) => [name, name]));
  });

  it('pairs by order where the layers that a layer made are called something else', () => {
    const both = () =>
      built(layers.bidirectional({ layer: layers.gru({ ...start, units: 2 }) as RNN, mergeMode: 'sum' }), [3, 2]);
    const [a, b] = [both(), both()];
    expect(names(a)).not.toEqual(names(b));
    expect(pair(a, b)).toEqual(
      ['kernel', 'recurrent_kernel', 'bias', 'kernel', 'recurrent_kernel', 'bias'].map((name) => [name, name]),
    );
  });

  it('names the layer where a pair has not one shape, or there are more on one side', () => {
    const dense = (units: number, useBias = true) => built(layers.dense({ units, useBias }), [3]);
    expect(() => pair(dense(2), dense(4))).toThrow(
      'quantizeModel: the weights of layer encoder/fc cannot be paired: it has kernel [3,2], bias [2], and made from its configuration kernel [3,4], bias [4]; look at its getConfig and build',
    );
    expect(() => pair(dense(2, false), dense(2))).toThrow(RangeError);
    expect(() => pair(dense(2), dense(2, false))).toThrow(RangeError);
  });
});
