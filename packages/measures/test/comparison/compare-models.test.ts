import { compareModels } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { independent, units } from '../independent';
import { expectRestored, smallData, smallNet } from '../interruption';

describe('compareModels', { timeout: 120_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  it('finds no difference between a model and itself, without error: every draw does the same to both', async () => {
    const model = independent();
    const { models, reference } = await compareModels({ one: model, other: model }, units(128), { draws: 128 });
    expect(reference).toBe('one');
    expect(models.other).toMatchObject({ status: 'measured', ratio: 1, ratioCi95: [1, 1], view: 'float', accuracy: 1 });
    expect(models.other!.correlation).toBeCloseTo(1, 12);
    expect(models.other!.sigma).toBe(models.one!.sigma);
  });

  it('finds a model of weights twice as large twice as flat, without error', async () => {
    const models = { one: independent(1), two: independent(2) };
    const result = await compareModels(models, units(128), { draws: 128 });
    expect(result.models.two!.ratio).toBeCloseTo(2, 10);
    expect(result.models.two!.ratioCi95![1] - result.models.two!.ratioCi95![0]).toBeCloseTo(0, 10);
    const back = await compareModels(models, units(128), { draws: 128, reference: 'two' });
    expect(back.models.one!.ratio).toBeCloseTo(0.5, 10);
    expect(back.models.two!.ratio).toBe(1);
  });

  it('holds the true ratio, with an interval that pairing makes narrower', async () => {
    const weights = Array.from({ length: 128 }, (_, k) => 0.7 + (0.6 * k) / 127);
    const result = await compareModels({ even: independent(), mixed: independent(weights) }, units(1280), { seed: 1 });
    const { ratio, ratioCi95, correlation } = result.models.mixed!;
    const expected = sigmaOf(weights) / sigmaOf([1]);
    expect(ratioCi95![0]).toBeLessThan(expected);
    expect(ratioCi95![1]).toBeGreaterThan(expected);
    expect(Math.abs(ratio! / expected - 1)).toBeLessThan(0.05);
    expect(correlation).toBeGreaterThan(0.5);
    expect(result).toMatchObject({ target: 0.1, draws: 512, examplesPerDraw: 64, seed: 1, magnitudeAware: false });
  });

  it('compares magnitude-aware scales: those of proportional weights are equal', async () => {
    const options = { magnitudeAware: true, epsilon: 1e-6, draws: 128 };
    const { models } = await compareModels({ one: independent(1), two: independent(2) }, units(128), options);
    expect(models.two!.ratio).toBeCloseTo(1, 4);
  });

  it('says why a model has no sigma, and compares nothing with it', async () => {
    const { xs, ys, shape } = units(256);
    const atChance = { xs, shape, ys: ys.map((_, i) => i % 2) };
    const { models } = await compareModels({ one: independent(), other: independent(2) }, atChance, { draws: 128 });
    const nothing = { status: 'unreachable', sigma: null, ratio: null, ratioCi95: null, correlation: null };
    expect(models).toMatchObject({ one: nothing, other: nothing });
  });

  it('tells the model and its draws, and restores every weight, finished, failed or aborted', async () => {
    const seen = new Set<string>();
    await compareModels({ one: independent(), two: independent() }, units(128), {
      draws: 128,
      onProgress: ({ model, draws }) => seen.add(model) && expect(draws).toBeGreaterThanOrEqual(0),
    });
    expect([...seen]).toEqual(['one', 'two']);
    const other = smallNet();
    await expectRestored((model, data, signal) =>
      compareModels({ model, other }, data, { draws: 128, examplesPerDraw: 2, signal }),
    );
    other.dispose();
  });

  it.each([
    [[], {}, TypeError, 'models must be an object of two models or more by name'],
    [null, {}, TypeError, 'models must be an object of two models or more by name'],
    [{ one: independent }, {}, TypeError, 'models must be an object of two models or more by name'],
    [{ one: 3, two: 4 }, {}, TypeError, '(one): a model is a LayersModel'],
    [undefined, { reference: 'three' }, RangeError, 'reference must be the name of a model (one, two), got three'],
    [undefined, { draw: 128 }, RangeError, "there is no option 'draw'; did you mean 'draws'?"],
    [undefined, { draws: 129 }, RangeError, 'draws must be a multiple of 8 and at least 128, got 129'],
    [undefined, { draws: 64 }, RangeError, 'draws must be a multiple of 8 and at least 128, got 64'],
    [undefined, { draws: 1.5 }, RangeError, 'draws must be a positive integer, got 1.5'],
    [undefined, { examplesPerDraw: 0 }, RangeError, 'examplesPerDraw must be a positive integer, got 0'],
    [undefined, { target: 2 }, RangeError, 'target must lie between 0 and 1, got 2'],
    [undefined, { epsilon: 0 }, RangeError, 'epsilon must be positive, got 0'],
    [undefined, { magnitudeAware: 'yes' }, TypeError, "magnitudeAware must be true or false, got 'yes'"],
    [undefined, { seed: -1 }, RangeError, 'seed must be an integer from 0 to 2^53 - 1, got -1'],
    [undefined, null, TypeError, 'options must be an object'],
  ])('refuses %j with %j', async (models, options, type, message) => {
    const given = models === undefined ? { one: smallNet(), two: smallNet() } : models;
    const failure = await compareModels(given as never, smallData, options as never).catch((error: Error) => error);
    expect(failure).toBeInstanceOf(type);
    expect((failure as Error).message).toContain(message);
    expect((failure as Error).message).toMatch(/^compareModels/);
  });
});

/** Where the mean of Phi(-w / sigma) is 0.1. */
function sigmaOf(weights: readonly number[]): number {
  let [low, high] = [0.01, 10];
  for (let i = 0; i < 60; i++) {
    const sigma = Math.sqrt(low * high);
    const drop = weights.reduce((sum, w) => sum + below(-w / sigma), 0) / weights.length;
    if (drop < 0.1) low = sigma;
    else high = sigma;
  }
  return low;
}

/** Phi(x), by the error function of tfjs. */
function below(x: number): number {
  return tf.tidy(() => (1 + tf.erf(tf.scalar(x / Math.SQRT2)).dataSync()[0]!) / 2);
}
