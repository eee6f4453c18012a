import { anneal, annealed, multiStep } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { goldenJson } from '../../../../test/goldens';

interface Schedule {
  readonly t: number[];
  readonly value: number[];
  readonly tMax: number;
  readonly start: number;
  readonly end: number;
  readonly relativeStart: number;
}

const schedules = (await goldenJson<{ schedules: Record<string, Schedule> }>('recipes/obr.json'))?.schedules ?? {};

describe('schedules', () => {
  beforeAll(() => useBackend('cpu'));

  it('annealed gives what the schedules of the references give', () => {
    for (const [name, { t, value, tMax, start, end, relativeStart }] of Object.entries(schedules)) {
      const schedule = annealed({ from: start, to: end, total: tMax, start: relativeStart * tMax });
      t.forEach((each, i) => {
        // A freezing threshold is 0 before its start, which is `start` of freezeOscillating.
        if (name === 'freezing' && each < relativeStart * tMax) return;
        expect(schedule(each), `${name} at ${each}`).toBeCloseTo(value[i]!, 12);
      });
    }
  });

  it('annealed stays at its ends outside', () => {
    const schedule = annealed({ from: 3, to: 1, total: 10, start: 2 });
    expect([0, 2, 6, 10, 99].map(schedule)).toEqual([3, 3, 2, 1, 1]);
  });

  it('multiStep multiplies from every milestone on', () => {
    const schedule = multiStep({ from: 1, milestones: [2, 4], factor: 0.5 });
    expect([0, 1, 2, 3, 4, 5].map(schedule)).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25]);
  });

  it.each([
    ['sgd', () => tf.train.sgd(1)],
    ['momentum', () => tf.train.momentum(1, 0)],
    ['adam', () => tf.train.adam(1)],
    ['rmsprop', () => tf.train.rmsprop(1)],
  ] as const)('anneal sets the learning rate of %s, by epoch and by batch', async (_, made) => {
    for (const per of ['epoch', 'batch'] as const) {
      const model = sequential({ layers: [layers.dense({ units: 1, useBias: false, inputShape: [1] })] });
      const optimizer = made();
      model.compile({ optimizer, loss: 'meanSquaredError' });
      const seen: number[] = [];
      const schedule = (t: number) => {
        seen.push(t);
        return t < 2 ? 0 : 1;
      };
      const kernel = () => model.getWeights()[0]!.dataSync()[0];
      const before = kernel();
      const options = {
        epochs: 2,
        batchSize: 1,
        verbose: 0,
        callbacks: [anneal(optimizer, 'learningRate', schedule, per)],
      } as const;
      const [x, y] = [tf.tensor2d([[1]]), tf.tensor2d([[9]])];
      await model.fit(x, y, { ...options, callbacks: [...options.callbacks] });
      expect(kernel()).toBe(before);
      await model.fit(x, y, {
        ...options,
        callbacks: [...options.callbacks],
        initialEpoch: per === 'epoch' ? 2 : 0,
        epochs: per === 'epoch' ? 4 : 2,
      });
      expect(kernel()).not.toBe(before);
      expect(seen).toEqual([0, 1, 2, 3]);
    }
  });

  it('rejects what does not fit', () => {
    expect(() => annealed({ from: 1, to: 0, total: 0 })).toThrow(
      'annealed: start must be from 0 up and before total, got start 0 and total 0; a schedule has a length',
    );
    expect(() => annealed({ from: 1, to: 0, total: 5, start: 5 })).toThrow('got start 5 and total 5');
    expect(() => annealed({ from: Number.NaN, to: 0, total: 5 })).toThrow(
      'annealed: from must be a finite number, got NaN',
    );
    expect(() => multiStep({ from: 1, milestones: [] })).toThrow(
      'multiStep: milestones must be times, as [60, 80], got ',
    );
    expect(() => multiStep({ from: 1, milestones: [4, 2] })).toThrow('multiStep: milestones must ascend, got 4, 2');
    expect(() => anneal({ weight: 1 }, 'wait' as 'weight', () => 1, 'epoch')).toThrow(
      'anneal: the target has no number called wait, got an object',
    );
    expect(() => anneal({ weight: 1 }, 'weight', 1 as never, 'epoch')).toThrow(
      'anneal: schedule must be a function, as annealed({ … }) makes one, got 1',
    );
    expect(() => anneal({ weight: 1 }, 'weight', () => 1, 'step' as 'epoch')).toThrow(
      "anneal: per must be 'epoch' or 'batch', got step",
    );
  });
});
