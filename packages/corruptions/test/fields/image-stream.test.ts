import { CORRUPTIONS, corrupt, drawFields, PRESETS, VALIDATION_CORRUPTIONS } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import { imageStream } from '../../src/fields/image-stream';
import { NAMES } from '../../src/options/severities';

const SEVERITIES = [1, 2, 3, 4, 5] as const;

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  const moment = (x: ArrayLike<number>, atX: number, y: ArrayLike<number>, atY: number) =>
    mean(Array.from(x, (value, i) => (value - atX) * (y[i] - atY)));
  return moment(a, meanA, b, meanB) / Math.sqrt(moment(a, meanA, a, meanA) * moment(b, meanB, b, meanB));
}

it('every corruption at every severity draws from a part of its own, and so do parameters of your own', () => {
  const firsts = NAMES.flatMap((name) =>
    ([0, ...SEVERITIES] as const).map((severity) => imageStream(7, 3, name, severity).bits(4).join()),
  );
  expect(new Set(firsts).size).toBe(19 * 6);
});

it('the parts do not depend on the order of anything: names keep their places', () => {
  expect(NAMES).toEqual([...CORRUPTIONS, ...VALIDATION_CORRUPTIONS]);
  expect([NAMES[0], NAMES[5], NAMES[9], NAMES[18]]).toEqual(['gaussian_noise', 'motion_blur', 'fog', 'saturate']);
});

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('noises of one seed add like independent ones', () => {
    const grey = tf.fill([128, 128, 3], 128, 'int32') as tf.Tensor3D;
    const noisy = corrupt(grey, 'gaussian_noise', {
      severity: 2,
      preset: 'imagenet-c',
      seed: 5,
      dialect: 'robustness',
    });
    const twice = corrupt(noisy, 'speckle_noise', {
      severity: 1,
      preset: 'imagenet-c',
      seed: 5,
      dialect: 'robustness',
    });
    // Standard deviations a = 0.12 · 255 = 30.6, then v n with 0.15 v: a² + 0.15² (128² + a²) = 936 + 390 = 36.4².
    // Of one and the same noise it would be 50.1.
    const values = twice.dataSync();
    const average = mean(values);
    const deviation = Math.sqrt(mean(Array.from(values, (value) => (value - average) ** 2)));
    // 49152 values: a standard error of 0.3 %.
    expect(Math.abs(deviation - 36.4)).toBeLessThan(0.015 * 36.4);
  });

  it('the angle of motion_blur is no function of the first uniform of shot_noise', () => {
    const options = { severity: 3, preset: 'imagenet-c', seed: 2, firstIndex: 0 } as const;
    const angles = drawFields('motion_blur', [200, 8, 8, 1], options).map(({ angle }) => angle);
    const uniforms = drawFields('shot_noise', [200, 8, 8, 1], options).map((own) => 'uniform' in own && own.uniform[0]);
    // 200 images: a standard error of 0.07.
    expect(Math.abs(correlation(angles, uniforms as number[]))).toBeLessThan(0.3);
  });

  it('severities draw anew; drawFields carries the draw of one to the others', () => {
    const images = tf.fill([1, 64, 64, 3], 128, 'int32') as tf.Tensor4D;
    const [first, second] = ([1, 2] as const).map(
      (severity) => drawFields('gaussian_noise', images.shape, { severity, preset: 'cifar-c' })[0].normal,
    );
    // 12288 values: a standard error of 0.009.
    expect(Math.abs(correlation(first, second))).toBeLessThan(0.04);
    const fields = drawFields('gaussian_noise', images.shape, { severity: 1, preset: 'cifar-c' });
    const of = (severity: number) =>
      corrupt(images, 'gaussian_noise', { severity, preset: 'cifar-c', fields }).dataSync();
    expect(correlation(of(1), of(2))).toBeGreaterThan(0.99);
  });

  it('an image draws the same by every preset', () => {
    const drawn = PRESETS.map((preset) =>
      Array.from(drawFields('gaussian_noise', [8, 8, 3], { severity: 2, preset, seed: 4 })[0].normal),
    );
    expect(drawn[1]).toEqual(drawn[0]);
    expect(drawn[2]).toEqual(drawn[0]);
  });
});
