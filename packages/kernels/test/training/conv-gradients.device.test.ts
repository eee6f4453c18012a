import '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';

const [size, channels, outputs, taps, stride] = [5, 3, 5, 3, 2];
const x = Float32Array.from({ length: size * size * channels }, (_, i) => Math.sin(i));
const filter = Float32Array.from({ length: taps * taps * channels * outputs }, (_, i) => Math.cos(3 * i));

/** The gradients of Σ conv(x, filter) · w over 'valid' windows, by their definition. */
function definition(): { dx: Float64Array; dw: Float64Array; w: Float32Array } {
  const out = Math.floor((size - taps) / stride) + 1;
  const w = Float32Array.from({ length: out * out * outputs }, (_, i) => Math.sin(7 * i));
  const [dx, dw] = [new Float64Array(x.length), new Float64Array(filter.length)];
  for (let h = 0; h < out; h++)
    for (let v = 0; v < out; v++)
      for (let kh = 0; kh < taps; kh++)
        for (let kw = 0; kw < taps; kw++)
          for (let i = 0; i < channels; i++)
            for (let o = 0; o < outputs; o++) {
              const [from, tap] = [
                ((h * stride + kh) * size + v * stride + kw) * channels + i,
                (kh * taps + kw) * channels + i,
              ];
              const dy = w[(h * out + v) * outputs + o];
              dx[from] += dy * filter[tap * outputs + o];
              dw[tap * outputs + o] += dy * x[from];
            }
  return { dx, dw, w };
}

describe.each(backends)('the gradients of a convolution on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('are sums over the windows', async () => {
    const { dx, dw, w } = definition();
    const weights = tf.tensor(w, [1, 2, 2, outputs]);
    const loss = (image: tf.Tensor, kernel: tf.Tensor) =>
      tf.sum(tf.mul(tf.conv2d(image as tf.Tensor4D, kernel as tf.Tensor4D, stride, 'valid'), weights));
    const found = tf.grads((image, kernel) => loss(image, kernel))([
      tf.tensor(x, [1, size, size, channels]),
      tf.tensor(filter, [taps, taps, channels, outputs]),
    ]);
    for (const [k, expected] of [dx, dw].entries())
      for (const [i, value] of (await found[k].data()).entries()) expect(value).toBeCloseTo(expected[i], 4);
  });
});
