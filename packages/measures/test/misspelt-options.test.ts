import { findAlpha, findSigma, measuresFromScales, weightNorms } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../test/backends';
import { smallNet } from './interruption';

describe('a misspelt option is refused, with what there is', () => {
  beforeAll(() => useBackend('cpu'));
  const typo = (options: object) => options as never;

  it('of the view, the scope and batch normalization', async () => {
    const model = smallNet();
    await expect(weightNorms(model, typo({ view: 'quantized' }))).rejects.toThrow(
      "weightNorms: view must be 'dequantized' or 'latent' or 'float', got quantized",
    );
    await expect(weightNorms(model, typo({ scope: 'kernels' }))).rejects.toThrow("scope must be 'weights' or 'all'");
    await expect(weightNorms(model, typo({ batchNorm: 'folded' }))).rejects.toThrow("batchNorm must be 'fold'");
  });

  it('of the searches', async () => {
    const model = smallNet();
    const data = { xs: tf.zeros([2, ...(model.inputs[0]!.shape.slice(1) as number[])]), ys: [0, 1] };
    await expect(findSigma(model, data, typo({ protocol: 'quick' }))).rejects.toThrow("protocol must be 'fast'");
    await expect(findAlpha(model, data, typo({ ascent: 'jiang' }))).rejects.toThrow("ascent must be 'signPGD'");
    await expect(findAlpha(model, data, typo({ epsilonInBall: 'none' }))).rejects.toThrow(
      "epsilonInBall must be 'scaled'",
    );
  });

  it('of the dialect', () => {
    expect(() => measuresFromScales([1], [0], 10, {}, typo({ dialect: 'jiang' }))).toThrow(
      "measuresFromScales: dialect must be 'qgen' or 'dziugaite2020' or 'consistent', got jiang",
    );
  });
});
