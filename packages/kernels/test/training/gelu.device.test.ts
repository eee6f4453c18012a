import * as tf from '@tensorflow/tfjs-core';
import * as tl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { gelu } from '../../src/training/elementwise/gelu';
import '@qgen/kernels';

/** Φ(x) by the series Σ (−1)ⁿ (x / √2)^(2n+1) / (n! (2n + 1)) of erf, in float64. */
function cdf(x: number): number {
  const z = x / Math.SQRT2;
  let [sum, term] = [0, z];
  for (let n = 0; n < 200; n++) {
    sum += term / (2 * n + 1);
    term *= (-z * z) / (n + 1);
  }
  return 0.5 + sum / Math.sqrt(Math.PI);
}
const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const xs = Array.from({ length: 71 }, (_, i) => (i - 35) / 7);

/** PyTorch: torch.nn.functional.gelu of −3, −1, −0.5, 0, 0.5, 1 and 3. */
const published = [
  [-3, -0.00404969],
  [-1, -0.15865525],
  [-0.5, -0.15426877],
  [0, 0],
  [0.5, 0.34573123],
  [1, 0.84134475],
  [3, 2.99595031],
] as const;

describe.each(backends)('gelu on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('is x Φ(x)', async () => {
    const values = await gelu(tf.tensor1d(xs)).data();
    for (const [i, x] of xs.entries()) expect(Math.abs(values[i] - x * cdf(x))).toBeLessThan(1e-6);
    const known = await gelu(tf.tensor1d(published.map(([x]) => x))).data();
    for (const [i, [, y]] of published.entries()) expect(Math.abs(known[i] - y)).toBeLessThan(1e-6);
  });

  it('has the slope Φ(x) + x φ(x)', async () => {
    const slopes = await tf
      .grad((x) => tf.sum(gelu(x)))(tf.tensor1d(xs))
      .data();
    for (const [i, x] of xs.entries()) expect(Math.abs(slopes[i] - cdf(x) - x * density(x))).toBeLessThan(2e-6);
  });

  it('has the second derivative φ(x) (2 − x²)', async () => {
    const slope = tf.grad((x) => tf.sum(gelu(x)));
    const second = await tf
      .grad((x) => tf.sum(slope(x)))(tf.tensor1d(xs))
      .data();
    for (const [i, x] of xs.entries()) expect(Math.abs(second[i] - density(x) * (2 - x * x))).toBeLessThan(5e-6);
  });

  it('keeps NaN, and takes tensors of any shape, empty ones too', async () => {
    const values = await gelu(
      tf.tensor2d([
        [Number.NaN, 20],
        [-20, -0],
      ]),
    ).data();
    expect([...values]).toEqual([Number.NaN, 20, expect.closeTo(0, 6), expect.closeTo(0, 6)]);
    expect(gelu(tf.zeros([0, 3])).shape).toEqual([0, 3]);
    expect(gelu(tf.scalar(1)).shape).toEqual([]);
  });

  it('is the activation of tfjs-layers', async () => {
    const x = tf.tensor2d(xs, [71, 1]);
    const layer = tl.layers.activation({ activation: 'gelu' as 'relu' });
    const ours = await gelu(x).data();
    expect(await (layer.apply(x) as tf.Tensor).data()).toEqual(ours);
  });

  it('keeps x alone for its gradient, and leaks nothing', async () => {
    const x = tf.ones([1000]) as tf.Tensor1D;
    expect(
      await leakedTensors(() =>
        tf
          .grad((v) => tf.sum(gelu(v)))(x)
          .dispose(),
      ),
    ).toBe(0);
    let kept = 0;
    tf.grad((v) => {
      const before = tf.memory().numDataBuffers;
      const y = gelu(v);
      kept = tf.memory().numDataBuffers - before;
      return tf.sum(y);
    })(x);
    expect(kept).toBe(1); // y
  });

  it.each([
    ['an integer tensor', () => tf.tensor1d([1], 'int32'), 'gelu: x must be float32, got int32'],
    ['a truth value', () => tf.tensor1d([true], 'bool'), 'gelu: x must be float32, got bool'],
    ['a number', () => 1, 'gelu: x must be a float32 tensor, got 1'],
    ['nothing', () => undefined, 'gelu: x must be a float32 tensor, got undefined'],
  ])('%s is refused', (_, x, message) => {
    expect(() => gelu(x() as never)).toThrow(message);
    expect(() => gelu(x() as never)).toThrow(TypeError);
  });
});
