import { fakeQuant, initialStep } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';

describe.each(backends)('initialStep on %s', (backend) => {
  beforeAll(() => useBackend(backend));
  const first = async (step: tf.Tensor) => (await step.data())[0]!;

  it('lsq is 2 mean|x| / sqrt(qp): 2 · 1.5 / sqrt(7) for 1, -2 and 4 bits', async () => {
    expect(await first(initialStep(tf.tensor1d([1, -2]), { bits: 4 }))).toBeCloseTo(3 / Math.sqrt(7), 5);
  });

  it('lsq+ is the farther of μ ± 3σ over 2^(b-1): μ = 1, σ = 2 gives 7 / 8', async () => {
    expect(await first(initialStep(tf.tensor1d([-1, 3]), { bits: 4, init: 'lsq+' }))).toBeCloseTo(7 / 8, 5);
    // Unsigned, the same range has twice the codes.
    const unsigned = { bits: 4, signed: false, init: 'lsq+' } as const;
    expect(await first(initialStep(tf.tensor1d([-1, 3]), unsigned))).toBeCloseTo(7 / 16, 5);
  });

  it('mse is a fixed point of <x, q> / <q, q>, and at 8 bits far closer to a Gaussian than lsq', async () => {
    const x = tf.randomNormal([2000], 0, 1, 'float32', 3);
    const error = async (init: 'lsq' | 'mse') => {
      const step = initialStep(x, { bits: 8, init });
      return first(tf.mean(tf.squaredDifference(x, fakeQuant(x, step, { bits: 8 }))));
    };
    expect(await error('mse')).toBeLessThan((await error('lsq')) / 5);
    const step = initialStep(x, { bits: 3, init: 'mse' });
    const q = tf.div(fakeQuant(x, step, { bits: 3 }), step);
    const fitted = tf.div(tf.sum(tf.mul(x, q)), tf.sum(tf.square(q)));
    expect(Math.abs((await first(fitted)) / (await first(step)) - 1)).toBeLessThan(1e-4);
  });

  it('a number is the step itself, once per slice', async () => {
    const step = initialStep(tf.ones([2, 3]), { bits: 4, init: 0.5, axis: 1 });
    expect(step.shape).toEqual([1, 3]);
    expect([...(await step.data())]).toEqual([0.5, 0.5, 0.5]);
  });

  it.each(['lsq', 'lsq+', 'mse'] as const)(
    '%s of zero, constant, empty and infinite tensors makes no NaN',
    async (init) => {
      const infinite = tf.tensor1d([1, Number.POSITIVE_INFINITY]);
      for (const x of [tf.zeros([4]), tf.fill([4], -0.3), tf.zeros([0]), infinite]) {
        const step = initialStep(x, { bits: 4, init });
        const s = await first(step);
        expect(s).toBeGreaterThan(0);
        expect(s).toBeLessThan(2e30);
        for (const value of await fakeQuant(x, step, { bits: 4 }).data()) expect(value).not.toBeNaN();
      }
    },
  );

  it('leaves no tensor behind but the step', async () => {
    const x = tf.randomNormal([5, 6]);
    const leaked = await leakedTensors(() => {
      for (const init of ['lsq', 'lsq+', 'mse'] as const) initialStep(x, { bits: 3, init, axis: 1 }).dispose();
    });
    expect(leaked).toBe(0);
  });
});

describe('initialStep refuses', () => {
  beforeAll(() => useBackend(backends[0]!));
  it.each([
    [
      'an unknown way to start',
      { bits: 4, init: 'max' as never },
      /init must be 'lsq', 'lsq\+', 'mse' or a positive number, got max/,
    ],
    ['a step of zero', { bits: 4, init: 0 }, /a positive number, got 0/],
    ['one bit', { bits: 1 }, /initialStep: bits must be an integer from 2 to 16, got 1/],
    ['an axis that is not there', { bits: 4, axis: 3 }, /axis must be null or an integer from -1 to 0, got 3/],
  ])('%s', (_, options, message) => {
    expect(() => initialStep(tf.ones([3]), options)).toThrow(message);
  });
});
