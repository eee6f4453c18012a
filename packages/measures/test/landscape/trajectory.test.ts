import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { lossLandscape } from '../../src/landscape/loss-landscape';
import { trajectory } from '../../src/landscape/trajectory';
import { type Snapshot, snapshot } from '../../src/subject/snapshot';
import { smallData, smallNet } from '../interruption';

const checkpoint = (values: readonly number[], bias = 0): Snapshot => {
  const folded = [
    {
      name: 'a/kernel',
      role: 'kernel' as const,
      place: '0.0',
      shape: [values.length],
      values: Float32Array.from(values),
    },
    { name: 'a/bias', role: 'bias' as const, place: '0.1', shape: [1], values: Float32Array.of(bias) },
  ];
  return { raw: folded, folded };
};

describe('trajectory', () => {
  it('finds the axes of an ellipse of checkpoints, the longer first', () => {
    const angles = Array.from({ length: 12 }, (_, i) => (i * Math.PI) / 6);
    const { directions, path, explained } = trajectory(
      angles.map((t) => checkpoint([1 + Math.cos(t), 5, 2 - 3 * Math.sin(t)])),
    );
    expect(Array.from(directions[0], Math.abs)).toEqual([expect.closeTo(0, 6), 0, expect.closeTo(1, 6)]);
    expect(Array.from(directions[1], Math.abs)).toEqual([expect.closeTo(1, 6), 0, expect.closeTo(0, 6)]);
    expect(explained[0]).toBeCloseTo(0.9, 6);
    expect(explained[1]).toBeCloseTo(0.1, 6);
    expect(path.at(-1)).toEqual([0, 0]);
    // The first checkpoint, t = 0, seen from the last, t = -30°: (1 - cos 30°, 3 sin(-30°)) up to signs.
    expect(Math.abs(path[0]![0])).toBeCloseTo(1.5, 5);
    expect(Math.abs(path[0]![1])).toBeCloseTo(1 - Math.cos(Math.PI / 6), 5);
  });

  it('keeps all distances of a run that lies in a plane', () => {
    const points = [0, 1, 2, 3, 4].map((i) => [Math.sin(i), Math.cos(2 * i), Math.sin(i) - 2 * Math.cos(2 * i), 1]);
    const { path, explained } = trajectory(points.map((point) => checkpoint(point)));
    expect(explained[0] + explained[1]).toBeCloseTo(1, 10);
    for (const [i, point] of points.entries()) {
      const distance = Math.hypot(...point.map((value, k) => value - points[4]![k]!));
      expect(Math.hypot(...path[i]!)).toBeCloseTo(distance, 5);
    }
  });

  it('has no second direction for a run along a line, and none at all for one that stands still', () => {
    const line = trajectory([0, 1, 3].map((t) => checkpoint([t, 2 * t])));
    expect([...line.directions[1]]).toEqual([0, 0]);
    expect(line.explained[0]).toBeCloseTo(1, 12);
    const still = trajectory([0, 1, 2].map(() => checkpoint([1, 2])));
    expect(still.explained[0]).toBeNaN();
    expect([...still.directions[0]]).toEqual([0, 0]);
  });

  it('takes kernels alone unless all parameters are asked for', () => {
    const run = [0, 1, 2].map((t) => checkpoint([t, t * t], t));
    expect(trajectory(run).directions[0]).toHaveLength(2);
    expect(trajectory(run, { scope: 'all' }).directions[0]).toHaveLength(3);
  });

  it('refuses fewer than three checkpoints, or unlike ones', () => {
    expect(() => trajectory([checkpoint([1]), checkpoint([2])])).toThrow(/three checkpoints/);
    expect(() => trajectory([checkpoint([1]), checkpoint([2]), checkpoint([1, 2])])).toThrow(/same parameters/);
  });
});

describe('trajectory and lossLandscape', () => {
  beforeAll(() => useBackend('wasm'));

  it('meet: at the place of a checkpoint in its plane the loss is that of the checkpoint', async () => {
    const model = smallNet();
    const kernel = model.getLayer('logits').getWeights()[0]!;
    const { mul } = await import('@tensorflow/tfjs-core');
    const [, bias] = model.getLayer('logits').getWeights();
    const checkpoints: Snapshot[] = [];
    const losses: number[] = [];
    for (const scale of [0.5, 0.8, 1]) {
      model.getLayer('logits').setWeights([mul(kernel, scale), bias!]);
      checkpoints.push(await snapshot(model));
      losses.push((await lossLandscape(model, smallData, { x: [0] })).loss[0]!);
    }
    const { directions, path } = trajectory(checkpoints);
    const line = await lossLandscape(model, smallData, {
      directions: [directions[0]],
      normalization: 'none',
      x: path.map(([x]) => x),
    });
    for (const [i, loss] of losses.entries()) expect(line.loss[i]).toBeCloseTo(loss, 5);
    model.dispose();
  });
});
