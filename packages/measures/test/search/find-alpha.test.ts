import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { findAlpha } from '../../src/search/alpha/find-alpha';
import type { SearchProgress } from '../../src/search/result';
import { independent, units } from '../independent';
import { expectRestored } from '../interruption';

/** Weights 0.01, 0.02, … 1.28: within a box of alpha the examples below alpha go wrong. */
const ladder = Array.from({ length: 128 }, (_, k) => (k + 1) / 100);

describe.each(['cpu', 'wasm'] as const)('findAlpha on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('where the answer is known: of weights 0.01, 0.02, … a tenth lies below 0.13', async () => {
    // 13 of 128 is 0.102, 12 of 128 is 0.094: alpha is the 13th weight.
    const found = await findAlpha(independent(ladder), units(128), { relativeTolerance: 0.005 });
    expect(found.status).toBe('converged');
    expect(found.accuracy).toBe(1);
    expect(Math.abs(found.value! / 0.13 - 1)).toBeLessThan(0.01);
    expect(found.bracket![0]).toBeLessThan(0.1301);
    expect(found.bracket![1]).toBeGreaterThan(0.1299);
    expect(found.occupancy).toBeCloseTo(1, 5);
    expect(found.warnings).toEqual([]);
  });

  it("magnitude-aware: every weight falls at alpha' = w / (w + epsilon), the largest first", async () => {
    // The 116th is w = 1.16 with 13 weights from it up: 1.16 / 1.161 = 0.99914.
    const found = await findAlpha(independent(ladder), units(128), { magnitudeAware: true, relativeTolerance: 0.005 });
    expect(Math.abs(found.value! - 0.999)).toBeLessThan(0.01);
  });
});

describe('findAlpha', { timeout: 60_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  it('a model at chance: unreachable; one that nothing disturbs: saturated-high; a floor that costs all: saturated-low', async () => {
    const { xs, ys, shape } = units(256);
    const atChance = { xs, shape, ys: ys.map((_, i) => i % 2) };
    expect(await findAlpha(independent(), atChance)).toMatchObject({
      value: null,
      bracket: null,
      status: 'unreachable',
    });
    const variable = tf.variable(tf.ones([1, 1]));
    const constant = {
      forward: (x: tf.Tensor) =>
        tf.tidy(() => tf.add(tf.mul(variable, 0), tf.tile(tf.tensor2d([[1, 0]]), [x.shape[0]!, 1]))),
      variables: [variable],
    };
    const high = await findAlpha(constant, units(8));
    expect(high).toMatchObject({ value: null, status: 'saturated-high' });
    expect(high.warnings[0]).toMatch(/reached only 0.0* of the box/);
    const options = { magnitudeAware: true, epsilonInBall: 'additive' } as const;
    const low = await findAlpha(independent(1e-4), units(128), options);
    expect(low).toMatchObject({ value: null, status: 'saturated-low' });
  });

  it('a budget that runs out gives the bracket so far, or nothing', async () => {
    const bracketed = await findAlpha(independent(ladder), units(128), { maxExamples: 16_000 });
    expect(bracketed.status).toBe('budget');
    expect(bracketed.bracket![0]).toBeLessThan(0.13);
    expect(bracketed.bracket![1]).toBeGreaterThan(0.13);
    const nothing = await findAlpha(independent(ladder), units(128), { maxExamples: 200 });
    expect(nothing).toMatchObject({ value: null, bracket: null, status: 'budget' });
  });

  it('the paper ascent as 20 full-batch steps hardly moves: saturated at 2, with a warning on the occupancy', async () => {
    const found = await findAlpha(independent(ladder), units(128), {
      ascent: 'paper',
      ascentBatchSize: 128,
      iterations: 4,
    });
    expect(found.status).toBe('saturated-high');
    expect(found.value).toBeCloseTo(2 - 2 ** -3, 6);
    expect(found.occupancy).toBeLessThan(1e-3);
    expect(found.warnings.join()).toMatch(/the ascent reached only/);
  });

  it('the paper ascent runs all its epochs in every box, past the target too, and reports the last box', async () => {
    // At a rate of 1 every weight below alpha has gone wrong after five epochs, far before the tenth.
    const options = { ascent: 'paper', ascentBatchSize: 16, learningRate: 1, epochs: 10, iterations: 12 } as const;
    const found = await findAlpha(independent(ladder), units(128), options);
    expect(found.trace.map(({ draws }) => draws)).toEqual(found.trace.map(() => 10));
    expect(found.ascentSteps).toHaveLength(10);
    expect(Math.min(...found.ascentSteps.map(({ accuracy }) => accuracy))).toBeCloseTo(
      1 - found.trace.at(-1)!.drop,
      12,
    );
    expect(found.bracket).toBeNull();
  });

  it("the paper's box has the additive floor, alpha' |w| + epsilon, unless the scaled one is asked for", async () => {
    const options = { ascent: 'paper', magnitudeAware: true, epochs: 2, iterations: 2 } as const;
    const paper = await findAlpha(independent(ladder), units(128), options);
    expect(paper.epsilonInBall).toBe('additive');
    const scaled = await findAlpha(independent(ladder), units(128), { ...options, epsilonInBall: 'scaled' });
    expect(scaled.epsilonInBall).toBe('scaled');
    const sign = await findAlpha(independent(ladder), units(128), { magnitudeAware: true });
    expect(sign.epsilonInBall).toBe('scaled');
  });

  it('less than two targets above chance alpha comes with a warning', async () => {
    const { xs, ys, shape } = units(128);
    // 83 of 128 right: .648, which is .148 above chance.
    const found = await findAlpha(independent(ladder), { xs, shape, ys: ys.map((_, i) => (i < 45 ? 1 : 0)) });
    expect(found.status).toBe('converged');
    expect(found.warnings.join()).toMatch(/accuracy 0.648 is only 0.15 above chance, less than twice the target 0.1/);
  });

  it('the paper ascent with mini-batches and a learning rate that matters finds the same box', async () => {
    const options = { ascent: 'paper', ascentBatchSize: 16, learningRate: 10, epochs: 5, iterations: 12 } as const;
    const found = await findAlpha(independent(ladder), units(128), options);
    expect(found.status).toBe('converged');
    // 12, 13 or 14 of 128 lie within 0.1 +- 0.01.
    expect(found.value).toBeGreaterThan(0.119);
    expect(found.value).toBeLessThan(0.151);
    expect(await findAlpha(independent(ladder), units(128), options)).toEqual(found);
  });

  it('what cannot be measured is an error', async () => {
    const data = units(4);
    await expect(findAlpha(independent(Number.NaN), data)).rejects.toThrow(
      /^findAlpha: the weights are not finite: entry 0 of weight/,
    );
    await expect(findAlpha(independent(), { ...data, ys: [0, 1, 2, 0] })).rejects.toThrow(/from 0 to 1 .*got 2/);
  });

  it('weights and statistics are bit-identical after success, failure and abort; nothing leaks', () =>
    expectRestored(async (model, data, signal) => {
      const found = await findAlpha(model, data, { signal, batchSize: 9, scope: 'all', relativeTolerance: 0.05 });
      if (found.status === 'aborted') throw signal!.reason;
    }));

  it('an abort is a status with the bracket so far; progress comes; nothing leaks', async () => {
    const model = independent(ladder);
    const controller = new AbortController();
    let reports = 0;
    const onProgress = ({ estimate }: SearchProgress) => {
      reports++;
      if (estimate !== null) controller.abort();
    };
    const leaked = await leakedTensors(async () => {
      const data = { size: 128, batch: slowly(units(128)) };
      const found = await findAlpha(model, data, { signal: controller.signal, onProgress });
      expect(found.status).toBe('aborted');
      expect(found.bracket![0]).toBeLessThan(0.13);
      expect(found.bracket![1]).toBeGreaterThan(0.13);
    });
    expect(reports).toBeGreaterThan(1);
    expect(leaked).toBe(0);
  });
});

/** Data that take a tenth of a second a batch, so that progress is due. */
function slowly({ xs, ys }: ReturnType<typeof units>) {
  return async (indices: Int32Array) => {
    await new Promise((resolve) => setTimeout(resolve, 110));
    const rows = Array.from(indices, (i) => [...xs.subarray(i * 128, (i + 1) * 128)]);
    return { xs: tf.tensor2d(rows), ys: Array.from(indices, (i) => ys[i]!) };
  };
}
