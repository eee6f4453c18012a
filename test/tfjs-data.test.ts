import { corruptionReport } from '@qgen/corruptions';
import { generalizationGap } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import * as data from '@tensorflow/tfjs-data';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from './backends';

// What the packages say of a `tf.data.Dataset`, with the datasets of tfjs-data and not with look-alikes.
describe.each(backends)('a Dataset of tfjs-data on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  const count = 12;
  const pixels = Array.from({ length: count }, (_, i) =>
    Array.from({ length: 48 }, (_, j) => ((7 * i + 5 * j) % 32) / 31),
  );
  const labels = Array.from({ length: count }, (_, i) => i % 3);
  const examples = () =>
    data.array([...labels.keys()]).map((i) => ({ xs: tf.tensor3d(pixels[i]!, [4, 4, 3]), ys: labels[i]! }));
  const model = () =>
    sequential({
      layers: [layers.flatten({ inputShape: [4, 4, 3] }), layers.dense({ units: 3, activation: 'softmax' })],
    });

  it.each([
    ['batched', () => examples().batch(5)],
    ['of single examples', examples],
  ])('%s, gives the generalization gap that arrays give', async (_, dataset) => {
    const classifier = model();
    const arrays = { xs: Float32Array.from(pixels.flat()), ys: labels, shape: [4, 4, 3] };
    const leaked = await leakedTensors(async () => {
      const { train, test, lossGap } = await generalizationGap(classifier, arrays, dataset());
      expect(test).toEqual(train);
      expect(test.examples).toBe(count);
      expect(lossGap.value).toBe(0);
    });
    expect(leaked).toBe(0);
    classifier.dispose();
  });

  it('batched, gives the corruption report that a tensor gives', async () => {
    const classifier = model();
    const options = { preset: 'cifar-c', corruptions: ['brightness', 'gaussian_noise'], severities: [2] } as const;
    const xs = tf.tensor(pixels.flat(), [count, 4, 4, 3]);
    const expected = await corruptionReport(classifier, { xs, ys: labels }, options);
    const leaked = await leakedTensors(async () => {
      const report = await corruptionReport(classifier, examples().batch(5), options);
      expect(report.results.map(({ accuracy }) => accuracy)).toEqual(expected.results.map(({ accuracy }) => accuracy));
      for (const [i, { loss }] of report.results.entries()) expect(loss).toBeCloseTo(expected.results[i]!.loss, 5);
    });
    expect(leaked).toBe(0);
    tf.dispose(xs);
    classifier.dispose();
  });
});
