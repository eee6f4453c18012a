import {
  findSigma,
  generalizationGap,
  lossLandscape,
  type ModelLike,
  samSharpness,
  snapshot,
  weightNorms,
} from '@qgen/measures';
import type * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { smallData, smallNet, weightBytes } from '../interruption';

beforeAll(() => useBackend('cpu'));

/** Two heads on one body. */
function twins() {
  const input = tfl.input({ shape: [6, 6, 2] });
  const body = tfl.layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same', name: 'body' });
  const flat = tfl.layers.flatten().apply(body.apply(input));
  const [a, b] = ['first', 'second'].map((name) =>
    tfl.model({ inputs: input, outputs: tfl.layers.dense({ units: 3, name }).apply(flat) as tfl.SymbolicTensor }),
  );
  return { a: a!, b: b! };
}

const wrap = (model: tfl.LayersModel): ModelLike => ({
  forward: (x) => model.apply(x, { training: false }) as tf.Tensor,
  variables: model.weights.map((weight) => weight.read() as tf.Variable),
});

/** Measurements that perturb, or must not be perturbed. */
const measures: Record<string, (model: ModelLike) => Promise<unknown>> = {
  findSigma: (model) => findSigma(model, smallData, { maxExamples: 2000, batchSize: 8 }),
  samSharpness: (model) => samSharpness(model, smallData, { steps: 3, batchSize: 8 }),
  lossLandscape: (model) => lossLandscape(model, smallData, { batchSize: 8 }),
  generalizationGap: (model) => generalizationGap(model, smallData, smallData),
  weightNorms: (model) => weightNorms(model),
  snapshot: (model) => snapshot(model),
};

describe.each(Object.entries(measures))('while %s runs', (_, measure) => {
  it.each<[string, () => readonly [ModelLike, ModelLike, tfl.LayersModel]]>([
    ['the same model', () => [smallNet()].flatMap((model) => [model, model, model]) as never],
    [
      'a model that shares a layer',
      () => {
        const { a, b } = twins();
        return [a, b, a];
      },
    ],
    [
      'a wrapper of it',
      () => {
        const model = smallNet();
        return [model, wrap(model), model];
      },
    ],
    [
      'another wrapper of it',
      () => {
        const model = smallNet();
        return [wrap(model), wrap(model), model];
      },
    ],
  ])('%s is refused before anything is touched, and the weights come back', async (_, make) => {
    const [first, second, owner] = make();
    const before = weightBytes(owner);
    const running = measure(first);
    const refusals = Object.entries(measures).map(([other, refused]) =>
      expect(refused(second)).rejects.toThrow(
        `${other}: another measurement of this model is running, or of one that shares its variable `,
      ),
    );
    await Promise.all(refusals);
    await running;
    expect(weightBytes(owner)).toBe(before);
    await measure(second);
    expect(weightBytes(owner)).toBe(before);
  });
});

it('models that share nothing are measured at once', async () => {
  const [a, b] = [smallNet(), smallNet()];
  const [one, two] = await Promise.all([a, b].map((model) => findSigma(model, smallData, { maxExamples: 1000 })));
  expect(one).toEqual(two);
});

it('a second copy of the package sees what the first is measuring', async () => {
  vi.resetModules();
  const copy = await import('@qgen/measures');
  expect(copy.findSigma).not.toBe(findSigma);
  const model = smallNet();
  const running = findSigma(model, smallData, { maxExamples: 1000 });
  await expect(copy.findSigma(model, smallData)).rejects.toThrow('another measurement of this model is running');
  await running;
});

it('a measurement that fails, or is aborted, frees the model', async () => {
  const model = smallNet();
  await expect(findSigma(model, { ...smallData, ys: [0] })).rejects.toThrow('24 inputs and 1 labels');
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(lossLandscape(model, smallData, { signal })).rejects.toThrow('enough');
  await weightNorms(model);
});
