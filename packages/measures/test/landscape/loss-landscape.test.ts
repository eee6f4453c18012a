import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import { type LandscapeRow, lossLandscape } from '../../src/landscape/loss-landscape';
import { convNets, firstExamples, goldenFloats, goldenNet, goldenOf, smallNets } from '../golden-nets';
import { expectRestored, smallData, smallNet } from '../interruption';

interface Exact {
  readonly landscape: {
    raw: string;
    norm_of: Record<'filter' | 'layer' | 'weight', number[]>;
    cos_between: number;
    line_x: number[];
    line_loss_acc: [number, number][];
    plane_axis: number[];
    plane_loss_acc: [number, number][][];
  };
}

/** Logits (a, b) x: with x = 1 and label 0 the loss is ln(1 + e^(b-a)). */
const pair = (a: number, b: number) => {
  const variable = tf.variable(tf.tensor2d([[a, b]]));
  return { variables: [variable], forward: (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, variable as tf.Tensor2D) };
};
const one = { xs: [[1]], ys: [0] };
const loss = (margin: number) => Math.log(1 + Math.exp(-margin));

describe.each(backends)('lossLandscape on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('walks w + x d along a line', async () => {
    const directions = [[1, 0]];
    const line = await lossLandscape(pair(2, 1), one, { directions, x: [-3, -1, 0, 1], normalization: 'none' });
    for (const [i, margin] of [-2, 0, 1, 2].entries()) expect(line.loss[i]).toBeCloseTo(loss(margin), 6);
    // At a margin of 0 the first of the equal logits counts, which is the label's.
    expect(line.accuracy).toEqual([0, 1, 1, 1]);
    expect(line).toMatchObject({ lengths: [1], examples: 1, normalization: 'none' });
  });

  it('walks w + x d1 + y d2 over a plane, a row for each x, streaming them', async () => {
    const rows: LandscapeRow[] = [];
    const plane = await lossLandscape(pair(2, 1), one, {
      dimensions: 2,
      directions: [
        [1, 0],
        [1, -1],
      ],
      x: [0, 1],
      y: [-1, 0, 0.5],
      normalization: 'none',
      onRow: (row) => rows.push(row),
    });
    for (const [i, x] of [0, 1].entries())
      for (const [j, y] of [-1, 0, 0.5].entries()) expect(plane.loss[i]![j]).toBeCloseTo(loss(1 + x + 2 * y), 6);
    expect(plane.cosine).toBeCloseTo(Math.SQRT1_2, 6);
    expect(rows.map(({ index, x }) => [index, x])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(rows.map((row) => row.loss)).toEqual(plane.loss);
  });

  it('normalizes by filter, the last axis: each column of d gets the length of its column of w', async () => {
    const model = {
      ...pair(0, 0),
      variables: [
        tf.variable(
          tf.tensor2d([
            [3, 1],
            [4, 0],
          ]),
        ),
      ],
    };
    model.forward = (x) => tf.matMul(x as tf.Tensor2D, model.variables[0] as tf.Tensor2D);
    const data = { xs: [[1, 0]], ys: [0] };
    const at = async (normalization: 'filter' | 'layer' | 'weight') => {
      const line = await lossLandscape(model, data, { directions: [[1, 1, 0, 1]], x: [1], normalization });
      return { margin: -Math.log(Math.exp(line.loss[0]!) - 1), length: line.lengths[0]! };
    };
    // d = [[1, 1], [0, 1]]: columns of length 1 and sqrt 2 become 5 and 1 long.
    const filter = await at('filter');
    expect(filter.margin).toBeCloseTo(3 + 5 - (1 + Math.SQRT1_2), 3);
    expect(filter.length).toBeCloseTo(Math.sqrt(26), 5);
    expect((await at('layer')).length).toBeCloseTo(Math.sqrt(26), 5);
    // Each entry times its weight: [[3, 1], [0, 0]].
    expect((await at('weight')).length).toBeCloseTo(Math.sqrt(10), 5);
  });

  it('gives biases no direction, and none to batch normalization, even in scope', async () => {
    const model = smallNet();
    const x = [1];
    const weights = await lossLandscape(model, smallData, { x, batchNorm: 'inference' });
    const all = await lossLandscape(model, smallData, { x, batchNorm: 'inference', scope: 'all' });
    expect(weights.lengths[0]).toBeGreaterThan(1);
    // The kernels of smallNet draw other numbers when biases lie between them, but have the same lengths.
    expect(all.lengths[0]).toBeCloseTo(weights.lengths[0]!, 4);
    model.dispose();
  });

  it('restores every weight and leaks nothing, finished, failed or aborted', { timeout: 60_000 }, async () => {
    await expectRestored((model, data, signal) =>
      lossLandscape(model, data, { dimensions: 2, x: [-1, 1], y: [0, 1], batchSize: 10, signal }),
    );
  });

  it('restores the weights when a listener throws', async () => {
    const model = smallNet();
    const before = model.getWeights().map((weight) => [...weight.dataSync()]);
    const onRow = () => {
      throw new Error('the page is gone');
    };
    await expect(lossLandscape(model, smallData, { x: [1], onRow })).rejects.toThrow('the page is gone');
    expect(model.getWeights().map((weight) => [...weight.dataSync()])).toEqual(before);
    model.dispose();
  });

  it('names what is wrong with dimensions and directions', async () => {
    const wrong = (options: object) => expect(lossLandscape(pair(2, 1), one, options)).rejects;
    await wrong({ dimensions: 3 }).toThrow(/dimensions/);
    await wrong({ directions: [[1, 2, 3]] }).toThrow(/2 entries/);
    await wrong({ dimensions: 2, directions: [[1, 2]] }).toThrow(/as many directions/);
  });
});

describe('lossLandscape against the reference', () => {
  beforeAll(() => useBackend('wasm'));

  const cases = [...smallNets.map((name) => [name, 2000] as const), ...convNets.map((name) => [name, 1000] as const)];

  it.for(cases)('meets its line and plane on %s, loss to 2e-5', { timeout: 60_000 }, async ([name, count]) => {
    const net = await goldenNet(name);
    const { landscape: golden } = await goldenOf<Exact>('exact.json', name);
    const raw = await goldenFloats(`exact/${golden.raw}`);
    const data = firstExamples(net.train, count);
    const directions = [raw.subarray(0, raw.length / 2), raw.subarray(raw.length / 2)];
    const line = await lossLandscape(net.model, data, { directions: [directions[0]!], x: golden.line_x });
    for (const [i, [expected, accuracy]] of golden.line_loss_acc.entries()) {
      expect(Math.abs(line.loss[i]! / expected - 1)).toBeLessThan(2e-5);
      expect(Math.abs(line.accuracy[i]! - accuracy)).toBeLessThanOrEqual(1 / count);
    }
    const axis = golden.plane_axis;
    const plane = await lossLandscape(net.model, data, { dimensions: 2, directions, x: axis, y: axis });
    for (const [i, row] of golden.plane_loss_acc.entries())
      for (const [j, [expected, accuracy]] of row.entries()) {
        expect(Math.abs(plane.loss[i]![j]! / expected - 1)).toBeLessThan(2e-5);
        expect(Math.abs(plane.accuracy[i]![j]! - accuracy)).toBeLessThanOrEqual(1 / count);
      }
    expect(plane.cosine).toBeCloseTo(golden.cos_between, 6);
    for (const normalization of ['filter', 'layer', 'weight'] as const) {
      const { lengths } = await lossLandscape(net.model, data, {
        dimensions: 2,
        directions,
        normalization,
        x: [],
      });
      for (const [k, length] of golden.norm_of[normalization].entries())
        expect(Math.abs(lengths[k]! / length - 1)).toBeLessThan(1e-6);
    }
  });
});
