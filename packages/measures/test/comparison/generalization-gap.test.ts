import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { generalizationGap } from '../../src/comparison/generalization-gap';
import { floatNets, goldenNet, quantizedNets } from '../golden-nets';

describe('generalizationGap', { timeout: 120_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  for (const name of [...floatNets, ...quantizedNets])
    it(`agrees with torch on ${name}`, async () => {
      const net = await goldenNet(name);
      const { lossGap, accuracyGap } = await generalizationGap(net.model, net.train, net.test);
      expect(Math.abs(lossGap.value / net.spec.genGapLoss - 1)).toBeLessThan(4e-5);
      expect(Math.abs(accuracyGap.value - net.spec.genGapAcc)).toBeLessThan(1e-3);
    });

  it('the interval of an accuracy of 1 or 0 ends there, and that of a gap of 0 holds 0', async () => {
    const model = { forward: (x: tf.Tensor) => tf.clone(x), variables: [tf.variable(tf.zeros([1, 1]))] };
    for (let n = 1; n <= 30; n++) {
      const xs = Array.from({ length: n }, () => [2, 1]);
      const right = { xs, ys: new Int32Array(n) };
      const { train, test, accuracyGap } = await generalizationGap(model, right, { xs, ys: new Int32Array(n).fill(1) });
      expect(train.accuracyCi95[1], `${n} examples`).toBe(1);
      expect(test.accuracyCi95[0], `${n} examples`).toBe(0);
      expect(accuracyGap.ci95[1]).toBe(1);
    }
  });

  it('standard errors: losses ln 2 and ln 4 have sd 0.490 and the mean a standard error of 0.347', async () => {
    // Probabilities are returned as they come in: p(y) = 1/2 and 1/4.
    const variable = tf.variable(tf.zeros([1, 1]));
    const model = { forward: (x: tf.Tensor) => tf.clone(x), variables: [variable], output: 'probabilities' as const };
    const data = {
      xs: [
        [0.5, 0.5],
        [0.75, 0.25],
      ],
      ys: [0, 1],
    };
    const leaked = await leakedTensors(async () => {
      const { train, lossGap, accuracyGap } = await generalizationGap(model, data, data);
      expect(train.loss).toBeCloseTo((Math.log(2) + Math.log(4)) / 2, 6);
      expect(train.lossStandardError).toBeCloseTo((Math.log(4) - Math.log(2)) / 2, 6);
      expect(train.accuracy).toBe(0.5);
      expect(train.accuracyStandardError).toBeCloseTo(Math.sqrt(0.25 / 2), 12);
      // Wilson: centre (0.5 + 3.841/4) / (1 + 3.841/2), radius 1.96 sqrt(0.125 + 3.841/16) / (1 + 3.841/2)
      expect(train.accuracyCi95[0]).toBeCloseTo(0.0945, 3);
      expect(train.accuracyCi95[1]).toBeCloseTo(0.9055, 3);
      // Two losses are not skewed: Student's interval, whose factor of one degree of freedom is 12.706.
      expect(train.lossCi95[0]).toBeCloseTo(1.5 * Math.LN2 - 12.7062 * 0.5 * Math.LN2, 5);
      expect(train.lossCi95[1]).toBeCloseTo(1.5 * Math.LN2 + 12.7062 * 0.5 * Math.LN2, 5);
      expect(lossGap.value).toBe(0);
      // The training set is whole: what is open is the mean of the test losses alone.
      expect(lossGap.standardError).toBeCloseTo(Math.LN2 / 2, 6);
      expect(accuracyGap.standardError).toBeCloseTo(Math.sqrt(0.25 / 2), 12);
      expect(lossGap.ci95[1]).toBeCloseTo(12.7062 * 0.5 * Math.LN2, 5);
      // The gap is small where the accuracy on the test examples is high.
      expect(accuracyGap.ci95).toEqual([0.5 - train.accuracyCi95[1], 0.5 - train.accuracyCi95[0]]);
    });
    expect(leaked).toBe(0);
    variable.dispose();
  });

  it('one NaN output makes the loss NaN, counts as wrong and is told', async () => {
    const model = { forward: (x: tf.Tensor) => tf.clone(x), variables: [tf.variable(tf.zeros([1, 1]))] };
    const data = {
      xs: [
        [1, 0],
        [Number.NaN, 0],
      ],
      ys: [0, 0],
    };
    const { train } = await generalizationGap(model, data, data);
    expect(train).toMatchObject({ accuracy: 0.5, notFinite: 1, loss: Number.NaN });
  });
});
