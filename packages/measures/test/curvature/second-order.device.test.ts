import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { enableSecondOrder } from '../../src/curvature/second-order';

type Op = (x: tf.Tensor) => tf.Tensor;

/** Σ c f(x) with different weights c, so that no element's derivative can stand in for another's. */
const weighted = (f: Op) => (x: tf.Tensor) => {
  const y = f(x);
  const c = tf.add(1, tf.div(tf.range(0, y.size), y.size));
  return tf.sum(tf.mul(tf.reshape(y, [y.size]), c)) as tf.Scalar;
};

/** WebGPU in Node reads nothing synchronously. */
async function read(compute: () => tf.Tensor): Promise<Float32Array> {
  const result = tf.tidy(compute);
  return result.data<'float32'>().finally(() => result.dispose());
}

/** H v of Σ c f(x), by a gradient of a gradient. */
const hessianVector = (f: Op, x: tf.Tensor, v: tf.Tensor) =>
  read(() => {
    const slope = tf.grad(weighted(f));
    return tf.grad((at) => tf.sum(tf.mul(slope(at), v)))(x);
  });

/** The same by central differences of first derivatives, exact up to rounding for quadratic f. */
const differences = (f: Op, x: tf.Tensor, v: tf.Tensor, h: number) =>
  read(() => {
    const slope = tf.grad(weighted(f));
    const step = tf.mul(v, h);
    return tf.div(tf.sub(slope(tf.add(x, step)), slope(tf.sub(x, step))), 2 * h);
  });

const largest = (values: ArrayLike<number>) => Math.max(...Array.from(values, Math.abs));

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(1, largest(expected));
  for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i] - expected[i])).toBeLessThan(tolerance * scale);
}

const wave = (shape: number[], phase = 0) =>
  tf.tensor(
    Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(1.7 * i + phase) + 0.3 * Math.cos(i * i)),
    shape,
  );

const points = [-2.5, -1.2, -0.4, 0.3, 0.9, 1.6];
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const elementwise: Record<string, [Op, (x: number) => number]> = {
  exp: [tf.exp, Math.exp],
  tanh: [tf.tanh, (x) => -2 * Math.tanh(x) * (1 - Math.tanh(x) ** 2)],
  sigmoid: [tf.sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x)) * (1 - 2 * sigmoid(x))],
  elu: [tf.elu, (x) => (x > 0 ? 0 : Math.exp(x))],
  selu: [tf.selu, (x) => (x > 0 ? 0 : 1.7580993408473766 * Math.exp(x))],
  softplus: [tf.softplus, (x) => sigmoid(x) * (1 - sigmoid(x))],
  'relu squared': [(x) => tf.square(tf.relu(x)), (x) => (x > 0 ? 2 : 0)],
  'relu6 squared': [(x) => tf.square(tf.relu6(tf.mul(x, 4))), (x) => (x > 0 && 4 * x < 6 ? 32 : 0)],
  'leakyRelu squared': [(x) => tf.square(tf.leakyRelu(x, 0.1)), (x) => (x > 0 ? 2 : 0.02)],
  'prelu squared': [(x) => tf.square(tf.prelu(x, tf.scalar(0.1))), (x) => (x > 0 ? 2 : 0.02)],
  'clipByValue squared': [(x) => tf.square(tf.clipByValue(x, -1, 1)), (x) => (Math.abs(x) <= 1 ? 2 : 0)],
  'maximum squared': [(x) => tf.square(tf.maximum(x, -1)), (x) => (x >= -1 ? 2 : 0)],
  'minimum squared': [(x) => tf.square(tf.minimum(x, 1)), (x) => (x <= 1 ? 2 : 0)],
};

const convolved: Record<string, Op> = {
  'conv2d with stride 2 and same padding': (x) =>
    tf.square(tf.conv2d(wave([2, 5, 5, 2]) as tf.Tensor4D, tf.reshape(x, [3, 3, 2, 2]), 2, 'same')),
  'two convolutions with one filter': (x) => {
    const filter = tf.reshape(x, [3, 3, 2, 2]) as tf.Tensor4D;
    return tf.conv2d(tf.conv2d(wave([1, 5, 5, 2]) as tf.Tensor4D, filter, 1, 'same'), filter, 1, 'valid');
  },
  'max pooling of squares, with overlap': (x) =>
    tf.maxPool(tf.square(tf.reshape(x, [1, 6, 6, 1])) as tf.Tensor4D, 3, 2, 'same'),
  'average pooling of squares': (x) => tf.avgPool(tf.square(tf.reshape(x, [1, 6, 6, 1])) as tf.Tensor4D, 2, 2, 'valid'),
  'average pooling of squares, beyond the border': (x) =>
    tf.avgPool(tf.square(tf.reshape(x, [1, 6, 6, 1])) as tf.Tensor4D, 3, 2, 'same'),
  'average pooling of squares in three dimensions': (x) =>
    tf.avgPool3d(tf.square(tf.reshape(x, [1, 4, 3, 3, 1])) as tf.Tensor5D, [3, 2, 2], 2, 'same'),
  'max along an axis of squares': (x) => tf.max(tf.square(tf.reshape(x, [6, 6])), 1),
};

describe.each(backends)('enableSecondOrder on %s', (backend) => {
  let disable = () => {};
  beforeAll(async () => {
    await useBackend(backend);
    disable = enableSecondOrder();
  });
  afterAll(() => disable());

  it.each(Object.entries(elementwise))('gives the second derivative of %s', async (_, [f, second]) => {
    const x = tf.tensor1d(points);
    const v = tf.tensor1d([1, 2, -1, 0.5, 1, -2]);
    const direction = await v.data();
    const expected = points.map((at, i) => (1 + i / points.length) * second(at) * direction[i]);
    expectClose(await hessianVector(f, x, v), expected, 3e-5);
    tf.dispose([x, v]);
  });

  it('mixes the classes in softmax: d²/dz² of -log p_y is diag(p) - p p^T', async () => {
    const z = tf.tensor2d([[1, 2, 0.5]]);
    const v = tf.tensor2d([[1, -1, 2]]);
    const p = await read(() => tf.softmax(z));
    const mean = p[0] - p[1] + 2 * p[2];
    const expected = [p[0] * (1 - mean), p[1] * (-1 - mean), p[2] * (2 - mean)];
    const logLoss: Op = (at) => tf.neg(tf.slice(tf.log(tf.softmax(at)), [0, 1], [1, 1]));
    expectClose(await hessianVector(logLoss, z, v), expected, 1e-5);
    expectClose(await hessianVector((at) => tf.logSumExp(at), z, v), expected, 1e-5);
    tf.dispose([z, v]);
  });

  it.each(Object.entries(convolved))('agrees with differences of gradients for %s', async (_, f) => {
    const x = wave([36], 0.5);
    const v = wave([36], 2);
    expectClose(await hessianVector(f, x, v), await differences(f, x, v, 1e-2), 2e-4);
    tf.dispose([x, v]);
  });

  it('agrees with differences of gradients for a depthwise convolution', async (ctx) => {
    if (!tf.getKernel('DepthwiseConv2dNativeBackpropFilter', backend))
      return ctx.skip(`${backend} has no gradient of a depthwise convolution`);
    const x = wave([18], 0.5);
    const v = wave([18], 2);
    const f: Op = (at) => {
      const filter = tf.reshape(at, [3, 3, 2, 1]) as tf.Tensor4D;
      return tf.depthwiseConv2d(
        tf.depthwiseConv2d(wave([1, 5, 5, 2]) as tf.Tensor4D, filter, 1, 'same'),
        filter,
        1,
        'same',
      );
    };
    expectClose(await hessianVector(f, x, v), await differences(f, x, v, 1e-2), 2e-4);
    tf.dispose([x, v]);
  });

  it('agrees with differences of gradients through layers in training: batch normalization, relu6', async () => {
    const normalize = layers.batchNormalization({ epsilon: 0.1 });
    const rectify = layers.activation({ activation: 'relu6' });
    const filter = wave([3, 3, 1, 4], 1) as tf.Tensor4D;
    const f: Op = (at) => {
      const y = normalize.apply(tf.conv2d(tf.reshape(at, [1, 6, 6, 1]) as tf.Tensor4D, filter, 1, 'valid'), {
        training: true,
      });
      return tf.square(rectify.apply(tf.add(y as tf.Tensor, 3)) as tf.Tensor);
    };
    const [x, v] = [wave([36], 0.5), wave([36], 2)];
    expectClose(await hessianVector(f, x, v), await differences(f, x, v, 1e-2), 2e-3);
    tf.dispose([x, v]);
  });

  it('leaves first derivatives as they were', async () => {
    const x = wave([36], 0.5);
    const first = (f: Op) => read(() => tf.grad(weighted(f))(x));
    const ops = [...Object.values(elementwise).map(([f]) => f), ...Object.values(convolved)];
    const ours = await Promise.all(ops.map(first));
    disable();
    const stock = await Promise.all(ops.map(first));
    disable = enableSecondOrder();
    for (const [i, values] of stock.entries()) expectClose(ours[i], values, 2e-6);
    tf.dispose(x);
  });

  it('leaks nothing', async () => {
    const x = tf.tensor1d(points);
    const v = tf.onesLike(x);
    expect(await leakedTensors(() => hessianVector(tf.exp, x, v))).toBe(0);
    tf.dispose([x, v]);
  });
});

describe('enableSecondOrder', () => {
  beforeAll(() => useBackend(backends[0]));

  it('puts the gradients of tfjs back when all calls are undone, each once', () => {
    const stock = tf.getGradient('Exp');
    const undoFirst = enableSecondOrder();
    const ours = tf.getGradient('Exp');
    expect(ours).not.toBe(stock);
    const undoSecond = enableSecondOrder();
    undoFirst();
    undoFirst();
    expect(tf.getGradient('Exp')).toBe(ours);
    undoSecond();
    expect(tf.getGradient('Exp')).toBe(stock);
    expect(tf.getGradient('Conv2DBackpropFilter')).toBeUndefined();
  });
});
