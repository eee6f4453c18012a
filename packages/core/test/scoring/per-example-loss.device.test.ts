import { type OutputKind, perExampleLoss, scoreOutputs } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';

const { E, LN2, log } = Math;

/** Outputs, labels, losses by hand, and which answers are right. */
const table: Record<
  OutputKind,
  { outputs: number[][]; labels: number[] | number[][]; losses: number[]; right: number[] }
> = {
  logits: {
    outputs: [
      [0, log(3)],
      [0, 0],
    ],
    labels: [0, 0],
    losses: [log(4), LN2],
    right: [0, 1],
  },
  probabilities: {
    outputs: [
      [0.25, 0.75],
      [1, 0],
    ],
    labels: [1, 0],
    losses: [log(4 / 3), 0],
    right: [1, 1],
  },
  // ln(1 + e^z) - y z: softplus(0) = ln 2, softplus(ln 3) = ln 4; at z = 0 the answer is class 0.
  binaryLogits: {
    outputs: [[0], [0], [log(3)], [log(3)], [-200]],
    labels: [0, 1, 1, 0, 1],
    losses: [LN2, LN2, log(4) - log(3), log(4), 200],
    right: [1, 0, 1, 0, 0],
  },
  // -ln p of label 1, -ln(1 - p) of label 0, at most -ln 1e-30 = 69.08.
  binaryProbability: {
    outputs: [[0.5], [0.75], [0.75], [1]],
    labels: [0, 1, 0, 0],
    losses: [LN2, log(4 / 3), log(4), 69.0776],
    right: [1, 1, 0, 0],
  },
  // ((1 - 0)^2 + (2 - 4)^2) / 2 and (0.5^2 + 0) / 2
  regression: {
    outputs: [
      [1, 2],
      [-1, 0],
    ],
    labels: [
      [0, 4],
      [-1.5, 0],
    ],
    losses: [2.5, 0.125],
    right: [],
  },
};

describe.each(Object.entries(table))('%s', (name, { outputs, labels, losses, right }) => {
  const kind = name as OutputKind;
  const width = outputs[0].length;

  it('is scored as by hand on the host, NaN never right', () => {
    const scores = scoreOutputs(outputs.flat(), labels.flat(), { classes: width, kind });
    for (const [i, loss] of losses.entries()) expect(scores.losses[i]).toBeCloseTo(loss, 4);
    expect([...scores.correct]).toEqual(right);
    expect(scores.notFinite).toBe(0);
    const broken = scoreOutputs(
      new Float32Array(width).fill(Number.NaN),
      labels.flat().slice(0, kind === 'regression' ? 2 : 1),
      { classes: width, kind },
    );
    expect(broken.losses[0]).toBeNaN();
    expect(broken.notFinite).toBe(1);
    expect([...broken.correct]).toEqual(kind === 'regression' ? [] : [0]);
  });

  it.each(backends)(
    'has the same loss on %s, from rows and, of one number, without the second axis',
    async (backend) => {
      await useBackend(backend);
      const leaked = await leakedTensors(async () => {
        const y = tf.tensor(labels);
        for (const z of [tf.tensor2d(outputs), ...(width === 1 ? [tf.tensor1d(outputs.flat())] : [])]) {
          const found = perExampleLoss(z, y, kind);
          expect(found.shape).toEqual([outputs.length]);
          for (const [i, loss] of (await found.data()).entries()) expect(loss).toBeCloseTo(losses[i], 3);
          tf.dispose([z, found]);
        }
        y.dispose();
      });
      expect(leaked).toBe(0);
    },
  );
});

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));
  const slopes = async (z: number[][], y: number[], kind: OutputKind) => {
    const [outputs, labels] = [tf.tensor2d(z), tf.tensor1d(y)];
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(perExampleLoss(x, labels, kind)))(outputs);
    const values = [...(await gradient.data())];
    tf.dispose([outputs, labels, gradient]);
    return values;
  };

  it('the gradient of binary logits is sigmoid(z) - y', async () => {
    const [a, b] = await slopes([[1], [0]], [1, 0], 'binaryLogits');
    expect(a).toBeCloseTo(E / (1 + E) - 1, 5);
    expect(b).toBeCloseTo(0.5, 6);
  });

  it('of binary probabilities 1 / (1 - p) for label 0 and -1 / p for label 1', async () => {
    const [a, b] = await slopes([[0.75], [0.25]], [0, 1], 'binaryProbability');
    expect(a).toBeCloseTo(4, 4);
    expect(b).toBeCloseTo(-4, 4);
  });

  it('and of a regression 2 (y - t) / d', async () => {
    const [a, b] = await slopes([[3, 1]], [1, 1], 'regression');
    expect(a).toBeCloseTo(2, 5);
    expect(b).toBeCloseTo(0, 6);
  });
});
