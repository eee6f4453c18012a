import { gapBoundArgument, noiseRegularizer, quantizationNoise, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { goldenJsons } from '../../../../test/goldens';

/** A linear model ŷ = x wᵀ with its quantization noise, by torch in float64. */
interface Theory {
  readonly id: string;
  readonly bits: number;
  readonly shape: [number, number];
  readonly w: number[];
  readonly s: [number];
  readonly deltaInRangeMaxAbs: number;
  readonly noiseMean: number;
  readonly noiseMSE: number;
  readonly clippedFraction: number;
  readonly uniformVar: number;
  readonly l2Norm: number;
  readonly boundArg: number;
  readonly x: number[];
  readonly xShape: [number, number];
  readonly y: number[];
  readonly yShape: [number, number];
  readonly R: number;
  readonly mseFloat: number;
  readonly mseQuant: number;
  readonly crossTerm: number;
}

const goldens = (await goldenJsons<Theory[]>('lsq/theory.json')).flat();

async function linearModel({ w, s, shape: [outputs, inputs], bits }: Theory) {
  const model = sequential({ layers: [layers.dense({ units: outputs, useBias: false, inputShape: [inputs] })] });
  model.setWeights([tf.transpose(tf.tensor2d(w, [outputs, inputs]))]);
  return quantizeModel(model, { bits, firstLast: 'same', init: s[0] });
}

const close = (actual: number, expected: number, relative: number, absolute = 0) =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.abs(expected) + absolute);

describe.each(backends)('the theory of quantization noise on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('bin width, clipped share, mean, variance and bound argument are the reference numbers', async () => {
    expect(goldens.length).toBeGreaterThan(0);
    for (const golden of goldens) {
      const model = await linearModel(golden);
      const [noise] = await quantizationNoise(model);
      close(noise!.binWidth, golden.s[0], 1e-7);
      close(noise!.clippedShare, golden.clippedFraction, 1e-12, 1e-12);
      close(noise!.mean, golden.noiseMean, 1e-5, 1e-8);
      close(noise!.meanSquare, golden.noiseMSE, 1e-5);
      close(noise!.uniformVariance, golden.uniformVar, 1e-6);
      close(noise!.largestResidual * noise!.binWidth, golden.deltaInRangeMaxAbs, 1e-5);
      const { argument, kernels } = await gapBoundArgument(model);
      close(kernels[0]!.norm, golden.l2Norm, 1e-6);
      close(argument, golden.boundArg, 1e-6);
    }
  });

  it('R(Δ), the cross term and both losses are the reference numbers, and add up', async () => {
    for (const golden of goldens) {
      const model = await linearModel(golden);
      const ys = tf.tensor2d(golden.y, golden.yShape);
      const result = await noiseRegularizer(model, tf.tensor2d(golden.x, golden.xShape), { ys, batchSize: 5 });
      close(result.regularizer, golden.R, 1e-4);
      close(result.loss!, golden.mseFloat, 1e-5);
      close(result.quantizedLoss!, golden.mseQuant, 1e-5);
      close(result.crossTerm!, golden.crossTerm, 1e-4, 1e-4);
      const sum = result.loss! + result.regularizer + result.crossTerm!;
      close(sum, result.quantizedLoss!, 1e-5);
    }
  });

  it('R needs no targets, leaks nothing and leaves the kernels as they were, also when aborted', async () => {
    const model = sequential({
      layers: [layers.dense({ units: 6, activation: 'relu', inputShape: [4] }), layers.dense({ units: 2 })],
    });
    const quantized = await quantizeModel(model, { bits: 3, activations: 4 });
    const x = tf.randomNormal([20, 4]);
    const weights = quantizedWeights(quantized);
    const before = weights.map(({ latent }) => latent.dataSync());
    const leaked = await leakedTensors(async () => {
      const result = await noiseRegularizer(quantized, x);
      expect(result.regularizer).toBeGreaterThan(0);
      expect(result.crossTerm).toBeNull();
      const abort = new AbortController();
      const onProgress = () => abort.abort(new Error('enough'));
      const options = { batchSize: 5, signal: abort.signal, onProgress };
      await expect(noiseRegularizer(quantized, x, options)).rejects.toThrow('enough');
    });
    expect(leaked).toBe(0);
    expect(weights.map(({ latent }) => latent.dataSync())).toEqual(before);
  });

  it('the finite difference is the derivative: R of tanh by hand', async () => {
    // ŷ = tanh(w x): Δ dŷ/dw = Δ x (1 - ŷ²), R = its mean square
    const model = sequential({
      layers: [layers.dense({ units: 1, useBias: false, activation: 'tanh', inputShape: [1] })],
    });
    model.setWeights([tf.tensor2d([[0.7]])]);
    const quantized = await quantizeModel(model, { bits: 2, firstLast: 'same', init: 0.5 });
    const xs = [0.5, -1, 1.5];
    // 0.7 / 0.5 is clipped to code 1: ŵ = 0.5, Δ = 0.2
    const expected = xs.reduce((sum, x) => sum + (0.2 * x * (1 - Math.tanh(0.7 * x) ** 2)) ** 2 / xs.length, 0);
    close((await noiseRegularizer(quantized, tf.tensor2d(xs, [3, 1]))).regularizer, expected, 1e-3);
  });

  it('noise of a fine grid is nearly uniform, of a coarse one it is not', async () => {
    const model = sequential({ layers: [layers.dense({ units: 40, inputShape: [50] })] });
    model.setWeights([tf.randomNormal([50, 40], 0, 1, 'float32', 5), tf.zeros([40])]);
    const noiseAt = async (bits: number, init: 'mse' | number) =>
      (await quantizationNoise(await quantizeModel(model, { bits, init, firstLast: 'same' })))[0]!;
    const fine = await noiseAt(8, 'mse');
    expect(fine.uniformDistance).toBeLessThan(0.05);
    close(fine.meanSquare, fine.uniformVariance, 0.1);
    const coarse = await noiseAt(2, 8);
    expect(coarse.uniformDistance).toBeGreaterThan(0.2);
  });

  it('a model without quantized kernels is refused', async () => {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
    await expect(quantizationNoise(model)).rejects.toThrow(/quantizationNoise: the model has no quantized kernels/);
    await expect(gapBoundArgument(model)).rejects.toThrow(RangeError);
    await expect(noiseRegularizer(model, tf.zeros([1, 1]))).rejects.toThrow(/noiseRegularizer: the model has no/);
  });
});
