import * as tf from '@tensorflow/tfjs-core';
import * as tl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import '@qgen/kernels';

const layer = tl.layers.activation({ activation: 'relu6' });
const relu6 = (x: tf.Tensor): tf.Tensor => layer.apply(x) as tf.Tensor;
/** The numbers before and after 6 in float32. */
const [below, above] = [6 - 2 ** -21, 6 + 2 ** -21];

describe.each(backends)('the gradient of rectifiers on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('is dy where x > 0, for every number of values', async () => {
    for (const n of [1, 2, 3, 4, 5, 8, 11]) {
      const x = Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1)));
      const dy = tf.tensor1d(x.map((_, i) => i + 1));
      const dx = await tf
        .grad((at: tf.Tensor) => tf.relu(at))(tf.tensor1d(x), dy)
        .data();
      expect([...dx].map(Math.abs)).toEqual(x.map((value, i) => (value > 0 ? i + 1 : 0)));
    }
  });

  it('is, of the activation relu6, dy where 0 < x < 6, and 0 at exactly 0 and 6', async () => {
    const x = tf.tensor1d([-1, 0, 1e-3, 3, below, 6, above, 7, Number.POSITIVE_INFINITY]);
    expect([...(await relu6(x).data())]).toEqual([0, 0, Math.fround(1e-3), 3, below, 6, 6, 6, 6]);
    const dx = await tf
      .grad(relu6)(x, tf.tensor1d([1, 2, 3, 4, 5, 6, 7, 8, 9]))
      .data();
    expect([...dx].map(Math.abs)).toEqual([0, 0, 3, 4, 5, 0, 0, 0, 0]);
  });

  it('has a gradient of its own: of relu6(x)², 2 between 0 and 6', async () => {
    const x = tf.tensor1d([-1, 1, 5, 7]);
    for (const rectifier of [tf.relu, relu6] as ((x: tf.Tensor) => tf.Tensor)[]) {
      const slope = tf.grad((at: tf.Tensor) => tf.square(rectifier(at)));
      const second = await tf
        .grad((at: tf.Tensor) => tf.sum(slope(at)))(x)
        .data();
      expect([...second].map(Math.abs)).toEqual([0, 2, 2, rectifier === relu6 ? 0 : 2]);
    }
  });

  it('leaks nothing, and keeps x alone', async () => {
    const x = tf.ones([5]);
    expect(await leakedTensors(() => tf.grad(relu6)(x).dispose())).toBe(0);
    let kept = 0;
    tf.grad((at: tf.Tensor) => {
      const before = tf.memory().numDataBuffers;
      const y = relu6(at);
      kept = tf.memory().numDataBuffers - before;
      return y;
    })(x);
    expect(kept).toBe(1);
  });
});

describe.runIf(backends.includes('wasm'))('the gradient of rectifiers on wasm', () => {
  beforeAll(() => useBackend('wasm'));

  it.each([
    ['relu', tf.relu, 'QGenReluBackward'],
    ['relu6', relu6, 'QGenRelu6Backward'],
  ] as [string, (x: tf.Tensor) => tf.Tensor, string][])('is one kernel, of %s', async (_, rectifier, kernel) => {
    const x = tf.ones([5]);
    const { kernelNames } = await tf.profile(() => tf.grad(rectifier)(x, tf.ones([5])));
    expect(kernelNames.filter((name) => !['Identity', 'unnamed scope'].includes(name))).toEqual([
      expect.stringMatching(/^Relu6?$/),
      kernel,
    ]);
  });
});
