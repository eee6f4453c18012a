import * as tf from '@tensorflow/tfjs-core';
import * as tl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import '@qgen/kernels';

const numbers = (n: number, phase: number) => Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1) + phase));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const columnOf = (values: readonly number[], c: number, columns: number) => values.filter((_, i) => i % columns === c);

/** In float64: y, and the mean and the variance of every column. */
function definition(x: readonly number[], scale: readonly number[], offset: readonly number[], epsilon: number) {
  const columns = scale.length;
  const means = scale.map((_, c) => mean(columnOf(x, c, columns)));
  const variances = scale.map((_, c) => mean(columnOf(x, c, columns).map((value) => (value - means[c]) ** 2)));
  const y = x.map((value, i) => {
    const c = i % columns;
    return ((value - means[c]) / Math.sqrt(variances[c] + epsilon)) * scale[c] + offset[c];
  });
  return { y, means, variances };
}

/** The slopes of Σ c y by x, scale and offset: central differences of float64. */
function differences(x: number[], scale: number[], offset: number[], c: number[], epsilon: number): number[][] {
  const loss = (x: number[], scale: number[], offset: number[]) =>
    definition(x, scale, offset, epsilon).y.reduce((sum, y, i) => sum + y * c[i], 0);
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

/** A layer for x, and its weights gamma, beta, moving mean and moving variance. */
function layerFor(x: tf.Tensor, config: object = {}, axis = -1) {
  const layer = tl.layers.batchNormalization({ axis, epsilon: 1e-2, momentum: 0.75, ...config });
  layer.build(x.shape);
  const columns = x.shape.at(axis)!;
  const weights = [numbers(columns, 2), numbers(columns, 3), numbers(columns, 4), numbers(columns, 5).map(Math.abs)];
  layer.setWeights(weights.map((values) => tf.tensor1d(values)));
  const train = (at: tf.Tensor): tf.Tensor => layer.apply(at, { training: true }) as tf.Tensor;
  return { layer, weights, train };
}

describe.each(backends)('batch normalization in training on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('by hand: (1, 3) has mean 2 and variance 1, and a quarter of both enters the moving ones', async () => {
    const x = tf.tensor2d([[1], [3]]);
    const { layer, train } = layerFor(x, { epsilon: 1e-12 });
    layer.setWeights([tf.tensor1d([10]), tf.tensor1d([7]), tf.tensor1d([6]), tf.tensor1d([5])]);
    await expectClose(train(x), [-3, 17]);
    const [, , movingMean, movingVariance] = layer.getWeights();
    // 6 − (6 − 2) / 4 and 5 − (5 − 1) / 4
    expect(await movingMean.array()).toEqual([5]);
    expect(await movingVariance.array()).toEqual([4]);
  });

  it.each([
    [[2, 1]],
    [[1, 9]],
    [[5, 7]],
    [[4, 3, 2]],
    [[2, 3, 3, 4]],
    [[130, 12]],
    [[65, 16]],
    [[3, 67]],
    [[2, 5, 7, 18]],
  ])('of [%s]: value, moving averages, and the gradients of differences', async (shape) => {
    const [size, columns] = [tf.util.sizeFromShape(shape), shape.at(-1)!];
    const [x, c] = [numbers(size, 1), numbers(size, 6)];
    const input = tf.tensor(x, shape);
    const { layer, weights, train } = layerFor(input);
    const [gamma, beta, movingMean, movingVariance] = weights as [number[], number[], number[], number[]];
    const { y, means, variances } = definition(x, gamma, beta, 1e-2);
    const found = train(input);
    expect(found.shape).toEqual(shape);
    await expectClose(found, y);
    const moved = layer.getWeights().slice(2);
    await expectClose(
      moved[0],
      means.map((value, i) => 0.75 * movingMean[i] + 0.25 * value),
    );
    await expectClose(
      moved[1],
      variances.map((value, i) => 0.75 * movingVariance[i] + 0.25 * value),
    );
    const expected = differences(x, gamma, beta, c, 1e-2);
    const loss = (at: tf.Tensor) => tf.sum<tf.Scalar>(tf.mul(train(at), tf.tensor(c, shape)));
    await expectClose(tf.grad(loss)(input), expected[0]);
    const { grads } = tf.variableGrads(() => loss(input));
    const ofWeights = Object.values(grads);
    expect(ofWeights.map((gradient) => gradient.shape)).toEqual([[columns], [columns]]);
    await expectClose(ofWeights[0], expected[1], 5e-5);
    await expectClose(ofWeights[1], expected[2], 5e-5);
  });

  it('along another axis is that of the transposed tensor', async () => {
    const x = tf.tensor4d(numbers(48, 1), [2, 3, 2, 4]);
    const turned = tf.transpose(x, [0, 2, 3, 1]);
    const [first, last] = [layerFor(x, {}, 1), layerFor(turned)];
    const back = (y: tf.Tensor) => tf.transpose(y, [0, 3, 1, 2]);
    await expectClose(first.train(x), [...(await back(last.train(turned)).data())]);
    const weights = tf.tensor4d(numbers(48, 6), [2, 3, 2, 4]);
    const slope = tf.grad((at: tf.Tensor) => tf.sum(tf.mul(first.train(at), weights)))(x);
    const slopeOfTurned = tf.grad((at: tf.Tensor) =>
      tf.sum(tf.mul(back(last.train(tf.transpose(at, [0, 2, 3, 1]))), weights)),
    )(x);
    await expectClose(slope, [...(await slopeOfTurned.data())]);
    for (const [i, weight] of first.layer.getWeights().entries())
      await expectClose(weight, [...(await last.layer.getWeights()[i].data())]);
  });

  it('has the second derivatives of differences', async () => {
    const [x, v, weights] = [1, 2, 3].map((phase) => tf.tensor2d(numbers(20, phase), [5, 4]));
    const { train } = layerFor(x, { epsilon: 0.1 });
    const slope = tf.grad((at: tf.Tensor) => tf.sum(tf.mul(tf.square(train(at)), weights)));
    const exact = tf.grad((at: tf.Tensor) => tf.sum(tf.mul(slope(at), v)))(x);
    const step = (by: number) => slope(tf.add(x, tf.mul(v, by)));
    const byDifferences = await tf.div(tf.sub(step(1e-2), step(-1e-2)), 2e-2).data();
    await expectClose(exact, [...byDifferences], 1e-3);
  });

  it('of a constant is the offset, and of NaN is NaN in its column alone', async () => {
    const x = tf.tensor2d([
      [3, Number.NaN],
      [3, 1],
    ]);
    const { layer, train, weights } = layerFor(x);
    const y = await train(x).data();
    expect([y[0], y[2]]).toEqual([Math.fround(weights[1][0]), Math.fround(weights[1][0])]);
    expect([y[1], y[3]]).toEqual([Number.NaN, Number.NaN]);
    const variance = await layer.getWeights()[3].data();
    expect([...variance.map((value) => Number(Number.isNaN(value)))]).toEqual([0, 1]);
  });

  it('leaks nothing', async () => {
    const x = tf.ones([10, 3]);
    const { train } = layerFor(x);
    const gradient = tf.grad((at: tf.Tensor) => tf.sum(train(at)));
    expect(await leakedTensors(() => gradient(x).dispose())).toBe(0);
  });

  it('in inference is that of the moving averages, which it leaves alone', async () => {
    const x = tf.tensor2d(numbers(15, 1), [5, 3]);
    const { layer, weights } = layerFor(x);
    const [gamma, beta, movingMean, movingVariance] = weights;
    const expected = numbers(15, 1).map((value, i) => {
      const c = i % 3;
      return ((value - movingMean[c]) / Math.sqrt(movingVariance[c] + 1e-2)) * gamma[c] + beta[c];
    });
    await expectClose(layer.apply(x) as tf.Tensor, expected);
    for (const [i, weight] of layer.getWeights().entries()) await expectClose(weight, weights[i], 1e-7);
  });
});

describe.runIf(backends.includes('wasm'))('batch normalization in training on wasm', () => {
  beforeAll(() => useBackend('wasm'));

  it('finds the variance of values far from zero, behind a first value far from the others too', async () => {
    // 1e5 + (0, 1, …, 199) has variance (200² − 1) / 12.
    const x = Array.from({ length: 200 }, (_, i) => 1e5 + ((i * 37) % 200));
    const { layer, train } = layerFor(tf.tensor2d(x, [200, 1]), { momentum: 0 });
    train(tf.tensor2d(x, [200, 1]));
    const [, , movingMean, movingVariance] = layer.getWeights();
    expect((await movingMean.data())[0]).toBeCloseTo(1e5 + 99.5, 1);
    expect((await movingVariance.data())[0] / ((200 ** 2 - 1) / 12)).toBeCloseTo(1, 5);
    const spread = [1e4, ...numbers(999, 1)];
    const { variances } = definition(spread, [1], [0], 0);
    train(tf.tensor2d(spread, [1000, 1]));
    expect((await layer.getWeights()[3].data())[0] / variances[0]).toBeCloseTo(1, 5);
  });

  it('keeps its input and two vectors for its gradient', () => {
    const x = tf.ones([100, 10]);
    const { train } = layerFor(x);
    // The first moving averages are the test's own.
    train(x).dispose();
    let kept = 0;
    tf.grad((at: tf.Tensor) => {
      const before = tf.memory().numDataBuffers;
      const y = train(at);
      kept = tf.memory().numDataBuffers - before;
      return tf.sum(y);
    })(x);
    // y, and the mean and the variance of ten columns; gamma is the layer's, and x was there.
    expect(kept).toBe(3);
  });
});
