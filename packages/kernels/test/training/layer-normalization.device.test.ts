import * as tf from '@tensorflow/tfjs-core';
import * as tl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { layerNormalization } from '../../src/training/normalization/layer-normalization';
import '@qgen/kernels';

const numbers = (n: number, phase: number) => Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1) + phase));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** y of rows, in float64. */
const definition = (rows: number[][], scale: number[], offset: number[], epsilon: number) =>
  rows.map((row) => {
    const centre = mean(row);
    const r = 1 / Math.sqrt(mean(row.map((x) => (x - centre) ** 2)) + epsilon);
    return row.map((x, i) => (x - centre) * r * scale[i] + offset[i]);
  });

const rowsOf = (values: readonly number[], columns: number) =>
  Array.from({ length: values.length / columns }, (_, r) => values.slice(r * columns, (r + 1) * columns));

/** Σ c y, and its slopes by central differences of float64. */
function differences(x: number[], scale: number[], offset: number[], c: number[], epsilon: number) {
  const loss = (x: number[], scale: number[], offset: number[]) =>
    definition(rowsOf(x, scale.length), scale, offset, epsilon)
      .flat()
      .reduce((sum, y, i) => sum + y * c[i], 0);
  const h = 1e-5;
  const slopes = (values: number[], at: (moved: number[]) => number) =>
    values.map((_, i) => {
      const move = (by: number) => at(values.map((value, j) => (i === j ? value + by : value)));
      return (move(h) - move(-h)) / (2 * h);
    });
  return [
    slopes(x, (moved) => loss(moved, scale, offset)),
    slopes(scale, (moved) => loss(x, moved, offset)),
    slopes(offset, (moved) => loss(x, scale, moved)),
  ];
}

async function expectClose(found: tf.Tensor, expected: readonly number[], tolerance = 2e-5): Promise<void> {
  const values = await found.data();
  expect(values.length).toBe(expected.length);
  const largest = Math.max(1, ...expected.map(Math.abs));
  for (const [i, value] of expected.entries()) expect(Math.abs(values[i] - value)).toBeLessThan(tolerance * largest);
}

describe.each(backends)('layerNormalization on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('by hand: (1, 3) has mean 2 and variance 1', async () => {
    const y = layerNormalization(tf.tensor2d([[1, 3]]), tf.tensor1d([2, 3]), tf.tensor1d([10, 20]), { epsilon: 1e-12 });
    await expectClose(y, [8, 23]);
  });

  it.each([
    [1, 1],
    [3, 2],
    [5, 7],
    [130, 12],
    [4, 33],
  ])('of %i rows and %i columns: value, and the gradients of differences', async (rows, columns) => {
    const [x, scale, offset, c] = [
      numbers(rows * columns, 1),
      numbers(columns, 2),
      numbers(columns, 3),
      numbers(rows * columns, 4),
    ] as [number[], number[], number[], number[]];
    const inputs = [tf.tensor2d(x, [rows, columns]), tf.tensor1d(scale), tf.tensor1d(offset)];
    const y = layerNormalization(inputs[0], inputs[1], inputs[2], { epsilon: 1e-2 });
    await expectClose(y, definition(rowsOf(x, columns), scale, offset, 1e-2).flat());
    const weights = tf.tensor2d(c, [rows, columns]);
    const gradients = tf.grads((...given) =>
      tf.sum(tf.mul(layerNormalization(given[0], given[1], given[2], { epsilon: 1e-2 }), weights)),
    )(inputs);
    const expected = differences(x, scale, offset, c, 1e-2);
    for (const [i, gradient] of gradients.entries()) await expectClose(gradient, expected[i]);
  });

  it('over any axes, and without scale or offset', async () => {
    const x = tf.tensor3d(numbers(24, 1), [2, 3, 4]);
    const whole = definition(rowsOf(numbers(24, 1), 12), new Array(12).fill(1), new Array(12).fill(0), 1e-3).flat();
    await expectClose(layerNormalization(x, null, null, { axes: [1, 2] }), whole);
    await expectClose(layerNormalization(x, null, null, { axes: [-2, -1] }), whole);
    const [scale, offset] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([4, 5, 6])];
    const middle = layerNormalization(x, scale, offset, { axes: [1] });
    const turned = tf.transpose(layerNormalization(tf.transpose(x, [0, 2, 1]), scale, offset), [0, 2, 1]);
    expect(middle.shape).toEqual([2, 3, 4]);
    await expectClose(middle, [...(await turned.data())]);
  });

  it('has the second derivatives of differences', async () => {
    const [x, v] = [tf.tensor2d(numbers(15, 1), [3, 5]), tf.tensor2d(numbers(15, 2), [3, 5])];
    const [scale, offset] = [tf.tensor1d(numbers(5, 3)), tf.tensor1d(numbers(5, 4))];
    const weights = tf.tensor2d(numbers(15, 5), [3, 5]);
    const slope = tf.grad((at) => tf.sum(tf.mul(layerNormalization(at, scale, offset, { epsilon: 0.1 }), weights)));
    const exact = tf.grad((at) => tf.sum(tf.mul(slope(at), v)))(x);
    const step = (by: number) => slope(tf.add(x, tf.mul(v, by)));
    const byDifferences = await tf.div(tf.sub(step(1e-2), step(-1e-2)), 2e-2).data();
    await expectClose(exact, [...byDifferences], 1e-3);
  });

  it('of a constant is the offset, of NaN is NaN in its row alone, of nothing is nothing', async () => {
    const [scale, offset] = [tf.tensor1d([2, 2]), tf.tensor1d([5, 6])];
    const y = layerNormalization(
      tf.tensor2d([
        [3, 3],
        [Number.NaN, 1],
        [-7, -7],
      ]),
      scale,
      offset,
    );
    expect([...(await y.data())]).toEqual([5, 6, Number.NaN, Number.NaN, 5, 6]);
    expect(layerNormalization(tf.zeros([0, 2]), scale, offset).shape).toEqual([0, 2]);
    expect(layerNormalization(tf.zeros([3, 0]), null, null).shape).toEqual([3, 0]);
  });

  it('of values far from zero loses no digits to the mean', async () => {
    const y = layerNormalization(tf.tensor2d([[1e6 + 1, 1e6 + 3]]), null, null, { epsilon: 1e-12 });
    await expectClose(y, [-1, 1]);
  });

  it.each([
    ['the last axis', {}],
    ['three axes', { axis: [1, 2, 3] }],
    ['a middle axis', { axis: 2 }],
    ['no scale', { scale: false }],
    ['no offset', { center: false }],
  ])('is the layer of tfjs-layers, with %s', async (_, config) => {
    const x = tf.tensor4d(numbers(48, 1), [2, 2, 3, 4]);
    const layer = tl.layers.layerNormalization({ ...config, epsilon: 1e-2 });
    const y = layer.apply(x) as tf.Tensor;
    const sizes = layer.getWeights().map(({ size }) => size);
    layer.setWeights(layer.getWeights().map(({ shape, size }, i) => tf.tensor(numbers(size, 7 + i), shape)));
    const weights = sizes.map((size, i) => tf.tensor1d(numbers(size, 7 + i)));
    const { axis = -1, scale = true, center = true } = config as { axis?: number; scale?: boolean; center?: boolean };
    const expected = layerNormalization(x, scale ? weights[0] : null, center ? weights.at(-1)! : null, {
      axes: [axis].flat(),
      epsilon: 1e-2,
    });
    expect(y.shape).toEqual(x.shape);
    await expectClose(layer.apply(x) as tf.Tensor, [...(await expected.data())], 1e-7);
  });

  it('keeps x alone for its gradient, and leaks nothing', async () => {
    const x = tf.ones([100, 10]);
    const run = () =>
      tf
        .grad((v) => tf.sum(layerNormalization(v, null, null)))(x)
        .dispose();
    expect(await leakedTensors(run)).toBe(0);
    let kept = 0;
    tf.grad((v) => {
      const before = tf.memory().numDataBuffers;
      const y = layerNormalization(v, null, null);
      kept = tf.memory().numDataBuffers - before;
      return tf.sum(y);
    })(x);
    // y, and the ten ones that stand for the scale; on tensorflow a reshaped tensor counts as data of its own.
    expect(kept).toBe(backend === 'tensorflow' ? 4 : 2);
  });

  const x = () => tf.ones([2, 3]);
  const three = () => tf.ones([3]);
  it.each<[string, () => unknown, string, ErrorConstructor | RangeErrorConstructor | TypeErrorConstructor]>([
    [
      'integers',
      () => layerNormalization(tf.ones([2, 3], 'int32'), null, null),
      'x must be float32, got int32',
      TypeError,
    ],
    [
      'a number for x',
      () => layerNormalization(1 as never, null, null),
      'x must be a float32 tensor, got 1',
      TypeError,
    ],
    [
      'no scale at all',
      () => layerNormalization(x(), undefined as never, null),
      'scale must be a float32 tensor, got undefined',
      TypeError,
    ],
    [
      'an integer offset',
      () => layerNormalization(x(), null, tf.ones([3], 'int32')),
      'offset must be float32',
      TypeError,
    ],
    [
      'a scale of another size',
      () => layerNormalization(x(), tf.ones([2]), null),
      'scale must hold 3 elements',
      RangeError,
    ],
    [
      'an offset of another size',
      () => layerNormalization(x(), three(), tf.ones([2])),
      'offset must hold 3',
      RangeError,
    ],
    ['an axis that is none', () => layerNormalization(x(), null, null, { axes: [2] }), 'from -2 to 1', RangeError],
    ['half an axis', () => layerNormalization(x(), null, null, { axes: [0.5] }), 'axes must be', RangeError],
    [
      'an axis twice',
      () => layerNormalization(x(), null, null, { axes: [1, -1] }),
      'axes must be different',
      RangeError,
    ],
    ['no axis', () => layerNormalization(x(), null, null, { axes: [] }), 'axes must be', RangeError],
    [
      'epsilon zero',
      () => layerNormalization(x(), null, null, { epsilon: 0 }),
      'epsilon must be a positive',
      RangeError,
    ],
    ['epsilon NaN', () => layerNormalization(x(), null, null, { epsilon: Number.NaN }), 'got NaN', RangeError],
  ])('refuses %s', (_, call, message, kind) => {
    expect(call).toThrow(kind);
    expect(call).toThrow(`layerNormalization: `);
    expect(call).toThrow(message);
  });
});
