import { perExampleCrossEntropy, scoreOutputs } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';

describe.each(backends)('perExampleCrossEntropy on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  const losses = async (rows: number[][], labels: tf.Tensor, kind: 'logits' | 'probabilities') => {
    const outputs = tf.tensor2d(rows);
    const result = perExampleCrossEntropy(outputs, labels, kind);
    const values = Array.from(await result.data());
    tf.dispose([outputs, result, labels]);
    return values;
  };

  it('of logits (0, 0) it is ln 2, of (0, ln 3) with label 0 ln 4, and a shift of 1000 changes nothing', async () => {
    const rows = [
      [0, 0],
      [0, Math.log(3)],
      [1000, 1000],
    ];
    const [a, b, c] = await losses(rows, tf.tensor1d([0, 0, 1], 'int32'), 'logits');
    expect(a).toBeCloseTo(Math.LN2, 6);
    expect(b).toBeCloseTo(Math.log(4), 5);
    expect(c).toBeCloseTo(Math.LN2, 6);
  });

  it('of a hopeless answer it grows with the logit: 200 of 200', async () => {
    expect((await losses([[0, 200]], tf.tensor1d([0], 'int32'), 'logits'))[0]).toBeCloseTo(200, 3);
  });

  it('of probabilities it is -ln p(y), and 69.08 where p(y) is 0', async () => {
    const rows = [
      [0.25, 0.75],
      [0, 1],
    ];
    const [a, b] = await losses(rows, tf.tensor1d([0, 0], 'int32'), 'probabilities');
    expect(a).toBeCloseTo(Math.log(4), 5);
    expect(b).toBeCloseTo(69.0776, 2);
  });

  it('one-hot labels and integers are the same', async () => {
    const rows = [
      [0.3, -1, 2],
      [1, 1, 0],
    ];
    const hot = await losses(rows, tf.tensor2d([0, 0, 1, 1, 0, 0], [2, 3]), 'logits');
    expect(await losses(rows, tf.tensor1d([2, 0], 'int32'), 'logits')).toEqual(hot);
  });

  it('its gradient is softmax(z) - onehot(y)', async () => {
    const z = tf.tensor2d([[1, 2, 3]]);
    const labels = tf.tensor1d([1], 'int32');
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(perExampleCrossEntropy(x, labels, 'logits')))(z);
    const sum = Math.E + Math.E ** 2 + Math.E ** 3;
    const expected = [Math.E / sum, Math.E ** 2 / sum - 1, Math.E ** 3 / sum];
    for (const [i, value] of (await gradient.data()).entries()) expect(value).toBeCloseTo(expected[i], 5);
    tf.dispose([z, labels, gradient]);
  });

  it('its second derivative in p is 1 / p(y)^2 for the label and 0 for a class of probability 0, not NaN', async () => {
    const curvature = async (p: number[], label: number) => {
      const labels = tf.tensor1d([label], 'int32');
      const slope = tf.grad((x: tf.Tensor) => tf.sum(perExampleCrossEntropy(x, labels, 'probabilities')));
      const result = tf.tidy(() => tf.grad((x: tf.Tensor) => tf.sum(slope(x)))(tf.tensor2d([p])));
      const values = Array.from(await result.data(), Math.abs);
      tf.dispose([labels, result]);
      return values;
    };
    expect(await curvature([1, 0], 0)).toEqual([1, 0]);
    expect((await curvature([0.5, 0.5], 0))[0]).toBeCloseTo(4, 5);
    // Below 1e-30 the loss is constant.
    expect(await curvature([0, 1], 0)).toEqual([0, 0]);
  });

  it('the host gives the same losses in float64, and knows right from wrong', async () => {
    const rows = [
      [0.3, -1, 2],
      [5, 1, 0],
      [1, 1, 1],
    ];
    const labels = [2, 1, 0];
    const device = await losses(rows, tf.tensor1d(labels, 'int32'), 'logits');
    const host = scoreOutputs(Float32Array.from(rows.flat()), labels, { classes: 3, kind: 'logits' });
    for (const [i, loss] of device.entries()) expect(host.losses[i]).toBeCloseTo(loss, 5);
    // Equal outputs: the first largest answer counts.
    expect([...host.correct]).toEqual([1, 0, 1]);
    expect(host.notFinite).toBe(0);
  });

  it('leaves no tensor behind', async () => {
    expect(await leakedTensors(() => losses([[1, 2]], tf.tensor1d([1], 'int32'), 'logits'))).toBe(0);
  });
});

it('on the host NaN and infinite outputs are never right', () => {
  const outputs = [Number.NaN, 0, Number.POSITIVE_INFINITY, 0];
  const { correct, notFinite, losses } = scoreOutputs(outputs, [0, 0], { classes: 2, kind: 'logits' });
  expect([...correct]).toEqual([0, 0]);
  expect(notFinite).toBe(2);
  expect(losses[0]).toBeNaN();
});
