import { meanInterval, philoxNormals, philoxUniforms } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import { averageSharpness } from '../../src/flatness/average-sharpness';
import { expectRestored, smallData, smallNet } from '../interruption';

/** Logits (a, b) x: with x = 1 and label 0 the loss is ln(1 + e^(b-a)). */
const pair = (a: number, b: number) => {
  const variable = tf.variable(tf.tensor2d([[a, b]]));
  return { variables: [variable], forward: (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, variable as tf.Tensor2D) };
};
const one = { xs: [[1]], ys: [0] };
const loss = (margin: number) => Math.log(1 + Math.exp(-margin));
const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;

describe.each(backends)('averageSharpness on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('is the mean rise of the loss over draws u = rho |w| z, z of the seed and the draw', async () => {
    const rises = [0, 1, 2].map((stream) => {
      const [z0, z1] = philoxNormals(2, { seed: 7, stream });
      return loss(1 + 0.3 * (2 * z0! - 1 * z1!)) - loss(1);
    });
    const result = await averageSharpness(pair(2, 1), one, { rho: 0.3, draws: 3, seed: 7 });
    expect(result.value).toBeCloseTo(mean(rises), 6);
    const deviation = Math.sqrt(mean(rises.map((rise) => (rise - mean(rises)) ** 2)) / 2);
    expect(result.standardError).toBeCloseTo(deviation, 6);
    // Student's factor of two degrees of freedom is 4.303; the skewness of the rises moves the ends a little.
    expect((result.ci95[1] - result.ci95[0]) / (2 * 4.303 * deviation)).toBeGreaterThan(0.95);
    expect(result.ci95).toEqual(meanInterval(rises.map(Math.fround)).interval.map((end) => expect.closeTo(end, 5)));
    expect(result).toMatchObject({ draws: 3, examples: 1, rho: 0.3, adaptive: true, norm: 'l2' });
  });

  it('draws uniformly from the box of half width rho for linf', async () => {
    const [u0, u1] = philoxUniforms(2, { seed: 0, stream: 0 });
    const margin = 1 + 0.3 * (2 * u0! - 1 - (2 * u1! - 1));
    const options = { rho: 0.3, draws: 1, adaptive: false, norm: 'linf' } as const;
    expect((await averageSharpness(pair(2, 1), one, options)).value).toBeCloseTo(loss(margin) - loss(1), 6);
  });

  it('does not see how confident a model is once the logits are normalized', async () => {
    const three = (scale: number) => {
      const variable = tf.variable(tf.tensor2d([[2 * scale, scale, -0.5 * scale]]));
      return { variables: [variable], forward: (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, variable as tf.Tensor2D) };
    };
    const options = { rho: 0.3, draws: 4, normalizeLogits: true };
    const timid = await averageSharpness(three(0.1), one, options);
    const confident = await averageSharpness(three(2), one, options);
    // (2, 1, -0.5) centred is (7, 1, -8)/6, of length sqrt(114)/6.
    const e = [7, 1, -8].map((z) => Math.exp(z / Math.sqrt(114)));
    expect(confident.loss).toBeCloseTo(Math.log(e[0]! + e[1]! + e[2]!) - 7 / Math.sqrt(114), 6);
    expect(confident.value).toBeCloseTo(timid.value, 5);
    const plain = await averageSharpness(three(2), one, { ...options, normalizeLogits: false });
    expect(Math.abs(plain.value - timid.value)).toBeGreaterThan(0.01);
  });

  it('is 0 for rho 0, and refuses a model whose weights are NaN', async () => {
    expect((await averageSharpness(pair(2, 1), one, { rho: 0, draws: 2 })).value).toBe(0);
    const broken = averageSharpness(pair(Number.NaN, 1), one, { draws: 2 });
    await expect(broken).rejects.toThrow('averageSharpness: the weights are not finite');
  });

  it('restores every weight and leaks nothing, finished, failed or aborted', { timeout: 60_000 }, async () => {
    await expectRestored((model, data, signal) =>
      averageSharpness(model, data, { batchSize: 10, draws: 3, signal, normalizeLogits: true }),
    );
  });

  it('measures kernels as stored, batch normalization frozen, and says so', async () => {
    const model = smallNet();
    const options = { draws: 2 };
    const stored = await averageSharpness(model, smallData, options);
    expect(stored).toMatchObject({ view: 'float', scope: 'all', batchNorm: 'inference' });
    expect(await averageSharpness(model, smallData, { ...options, batchNorm: 'fold' })).toMatchObject({
      batchNorm: 'fold',
    });
    expect(await averageSharpness(model, smallData, { ...options, scope: undefined })).toEqual(stored);
    model.dispose();
  });
});

describe('averageSharpness', () => {
  it('is the same on cpu and wasm for the same seed, and another for another seed', async () => {
    const values: number[] = [];
    for (const [backend, seed] of [
      ['cpu', 1],
      ['wasm', 1],
      ['wasm', 2],
    ] as const) {
      await useBackend(backend);
      const model = smallNet();
      values.push((await averageSharpness(model, smallData, { draws: 4, seed })).value);
      model.dispose();
    }
    expect(values[1]).toBeCloseTo(values[0]!, 5);
    expect(Math.abs(values[2]! - values[1]!)).toBeGreaterThan(1e-3);
  });
});
