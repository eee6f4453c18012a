import { type OutputKind, outputKind, outputWidth, requireKind } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';

describe('outputKind', () => {
  beforeAll(() => useBackend('cpu'));
  type Activation = 'softmax' | 'linear' | 'relu' | 'sigmoid' | 'hardSigmoid';
  const dense = (activation: Activation, units = 2) => tfl.layers.dense({ inputShape: [3], units, activation });
  const net = (...layers: tfl.layers.Layer[]) => tfl.sequential({ layers });
  const compiled = (model: tfl.LayersModel, loss: Parameters<tfl.LayersModel['compile']>[0]['loss']) => {
    model.compile({ optimizer: 'sgd', loss });
    return model;
  };

  it('is probabilities after a softmax, whether of a dense layer, an activation or a nested model', () => {
    expect(outputKind(net(dense('softmax')))).toBe('probabilities');
    const activation = tfl.layers.activation({ activation: 'softmax' });
    const flat = tfl.layers.reshape({ targetShape: [2] });
    expect(outputKind(net(dense('linear'), activation, flat))).toBe('probabilities');
    expect(outputKind(net(dense('linear'), tfl.layers.softmax()))).toBe('probabilities');
    const nothing = tfl.layers.activation({ activation: 'linear' });
    expect(outputKind(net(dense('softmax'), nothing))).toBe('probabilities');
    const input = tfl.input({ shape: [3] });
    const nested = tfl.model({ inputs: input, outputs: net(dense('softmax')).apply(input) as tfl.SymbolicTensor });
    expect(outputKind(nested)).toBe('probabilities');
  });

  it('is logits of several outputs otherwise', () => {
    expect(outputKind(net(dense('linear')))).toBe('logits');
    expect(outputKind(net(dense('relu')))).toBe('logits');
    expect(outputKind(compiled(net(dense('linear')), tf.losses.softmaxCrossEntropy as never))).toBe('logits');
  });

  it('is binaryProbability of one sigmoid, whatever the loss', () => {
    expect(outputKind(net(dense('sigmoid', 1)))).toBe('binaryProbability');
    expect(outputKind(net(dense('hardSigmoid', 1)))).toBe('binaryProbability');
    expect(outputKind(compiled(net(dense('sigmoid', 1)), 'meanSquaredError'))).toBe('binaryProbability');
  });

  it('is regression where the model is compiled with the mean squared error, unless it ends in a softmax', () => {
    expect(outputKind(compiled(net(dense('linear', 1)), 'meanSquaredError'))).toBe('regression');
    expect(outputKind(compiled(net(dense('linear', 4)), ['meanSquaredError']))).toBe('regression');
    expect(outputKind(compiled(net(dense('linear', 4)), tf.losses.meanSquaredError as never))).toBe('regression');
    expect(outputKind(compiled(net(dense('softmax', 4)), 'meanSquaredError'))).toBe('probabilities');
  });

  it('is binaryLogits of one output that is compiled with the sigmoid cross-entropy', () => {
    expect(outputKind(compiled(net(dense('linear', 1)), tf.losses.sigmoidCrossEntropy as never))).toBe('binaryLogits');
  });

  it('is refused where nothing tells it, in the name of the function that was called', () => {
    expect(() => outputKind(net(dense('linear', 1)), 'findSigma')).toThrow(
      "findSigma: the model returns one number without a sigmoid, which may be a logit or a regression; say output: 'binaryLogits' or output: 'regression'",
    );
    const absolute = compiled(net(dense('linear', 1)), 'meanAbsoluteError');
    expect(() => outputKind(absolute)).toThrow('outputKind: the model returns one number');
    expect(() => outputKind(net(dense('sigmoid')))).toThrow(
      /the last activation, sigmoid of .*, makes each of 2 outputs/,
    );
    expect(() => outputKind(net(dense('softmax', 1)))).toThrow('a softmax over one output, which is always 1');
    const sequence = net(tfl.layers.dense({ inputShape: [5, 2], units: 3 }));
    expect(() => outputKind(sequence)).toThrow('[n, classes], it returns [n,5,3]; pool or flatten the axes between');
    const input = tfl.input({ shape: [3] });
    const outputs = [1, 2].map(() => dense('linear').apply(input) as tfl.SymbolicTensor);
    expect(() => outputKind(tfl.model({ inputs: input, outputs }))).toThrow('must have one output, it has 2');
  });
});

describe('outputWidth', () => {
  it.each<[number[], OutputKind, number]>([
    [[4, 10], 'logits', 10],
    [[4, 1, 1, 10], 'probabilities', 10],
    [[4, 1], 'binaryLogits', 1],
    [[4], 'binaryProbability', 1],
    [[4], 'regression', 1],
    [[4, 3], 'regression', 3],
  ])('of [%s] as %s is %i', (shape, kind, width) => {
    expect(outputWidth(shape, 4, kind, 'test')).toBe(width);
  });

  it.each<[number[], OutputKind, string]>([
    [
      [4, 5, 3],
      'logits',
      'test: the model must return one row for each example, [n, classes], it returns [4,5,3] for 4 examples',
    ],
    [[4, 5, 3], 'regression', 'it returns [4,5,3] for 4 examples'],
    [[], 'logits', 'it returns [] for 4 examples'],
    [[1, 10], 'logits', 'it returns [1,10] for 4 examples'],
    [[4, 1], 'logits', 'two or more classes, it returns [4,1] for 4 examples; if that is a probability or a logit'],
    [[4], 'probabilities', 'two or more classes, it returns [4]'],
    [[4, 2], 'binaryLogits', "output 'binaryLogits' is one number for each example, the model returns [4,2]"],
  ])('of [%s] as %s is refused', (shape, kind, message) => {
    expect(() => outputWidth(shape, 4, kind, 'test')).toThrow(message);
  });
});

describe('requireKind', () => {
  const check = (values: number[], width: number, kind: OutputKind) => () =>
    requireKind(values, { width, kind, caller: 'test' });

  it('refuses logits that are probabilities, but not those that happen to be in one row', () => {
    expect(check([0.2, 0.8, 1, 0], 2, 'logits')).toThrow(
      "test: the outputs are probabilities: they are not negative and sum to 1, as [0.2, 0.8]; say output: 'probabilities'",
    );
    expect(check([0.2, 0.8, 1, 1], 2, 'logits')).not.toThrow();
    expect(check([-0.5, 1.5], 2, 'logits')).not.toThrow();
    expect(check([0, 1, 1, 0], 2, 'logits')).not.toThrow();
  });

  it('refuses probabilities that are none', () => {
    expect(check([0.2, 0.8, 3, -1], 2, 'probabilities')).toThrow(
      'not the probabilities that they are said to be, as [3, -1]',
    );
    expect(check([0.4, 0.4], 2, 'probabilities')).toThrow(
      "as [0.4, 0.4]; say output: 'logits', or end the model in a softmax",
    );
    expect(check([0.2001, 0.8001], 2, 'probabilities')).not.toThrow();
    expect(check([0, 1, 1.1], 1, 'binaryProbability')).toThrow("as [1.1]; say output: 'binaryLogits'");
  });

  it('passes by rows that are not finite, and says nothing of binary logits and regressions', () => {
    expect(check([Number.NaN, 1], 2, 'probabilities')).not.toThrow();
    expect(check([Number.NaN, 1], 2, 'logits')).not.toThrow();
    expect(check([0.5, 7], 1, 'binaryLogits')).not.toThrow();
    expect(check([0.5, 0.5], 2, 'regression')).not.toThrow();
  });
});
