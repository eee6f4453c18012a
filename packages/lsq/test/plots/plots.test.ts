import { quantizedWeights, quantizeModel } from '@qgen/lsq';
import { plotStepSizes, plotWeights } from '@qgen/lsq/plots';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { BROKEN, numbers, shapes, texts } from '../../../../test/svg';

const float = () =>
  sequential({
    layers: [
      layers.dense({ inputShape: [4], units: 8, name: 'first', kernelInitializer: 'glorotNormal' }),
      layers.dense({ units: 2, name: 'last' }),
    ],
  });

beforeAll(() => useBackend('cpu'));

describe('plotStepSizes', () => {
  it('draws the step of every kernel on a logarithmic scale', async () => {
    const model = await quantizeModel(float(), { bits: 4, firstLast: 'same' });
    const [first, last] = quantizedWeights(model);
    first!.step.assign(tf.fill(first!.step.shape, 0.1));
    last!.step.assign(tf.fill(last!.step.shape, 0.01));
    const before = tf.memory().numTensors;
    const svg = await plotStepSizes({ '4 bits': model, again: model });
    expect(tf.memory().numTensors).toBe(before);
    const dots = shapes(svg, 'dot');
    expect(dots).toHaveLength(4);
    expect(texts(svg)).toEqual(expect.arrayContaining(['first/kernel', 'last/kernel', '● 4 bits', '● again']));
    expect(svg).not.toMatch(BROKEN);
    // 0.1 lies above 0.01; y grows downward.
    const [a, b] = numbers(dots, 'cy');
    expect(a).toBeLessThan(b!);
  });

  it('marks a step that crossed zero and leaves out one that is no number', async () => {
    const model = await quantizeModel(float(), { bits: 4, firstLast: 'same' });
    const [first, last] = quantizedWeights(model);
    first!.step.assign(tf.fill(first!.step.shape, -0.1));
    last!.step.assign(tf.fill(last!.step.shape, Number.NaN));
    const svg = await plotStepSizes(model);
    expect(shapes(svg, 'dot')).toHaveLength(1);
    expect(texts(svg)).toEqual(
      expect.arrayContaining([
        'Crossed zero, drawn at the absolute value: first/kernel.',
        '1 step is 0 or not finite and left out.',
      ]),
    );
    expect(svg).not.toMatch(BROKEN);
  });

  it('says that a float model has none, and refuses what is no model', async () => {
    expect(texts(await plotStepSizes(float()))).toContain('The model has no quantized kernels.');
    await expect(plotStepSizes(3 as never)).rejects.toThrow(/^plotStepSizes: needs a quantized model/);
  });
});

describe('plotWeights', () => {
  it('draws a histogram of all weights, and a line at every level within reach', async () => {
    const model = await quantizeModel(float(), { bits: 2, firstLast: 'same' });
    const [weight] = quantizedWeights(model);
    weight!.latent.assign(
      tf.tensor2d(
        Array.from({ length: 32 }, (_, i) => (i - 15.5) / 10),
        [4, 8],
      ),
    );
    weight!.step.assign(tf.fill(weight!.step.shape, 0.5));
    const svg = await plotWeights(weight!);
    // -1, -0.5, 0 and 0.5, all within the largest weight, 1.55.
    const levels = numbers(
      shapes(svg, 'rule').filter((node) => node.getAttribute('y1') !== node.getAttribute('y2')),
      'x1',
    );
    expect(levels).toHaveLength(4);
    expect(levels[1]! - levels[0]!).toBeCloseTo(levels[3]! - levels[2]!, 6);
    // 32 weights 0.1 apart in bins of 2 * 1.05 * 1.55 / 80 = 0.041: each has one to itself.
    const bars = numbers(shapes(svg, 'rect'), 'height').filter((height) => height > 0);
    expect(bars).toHaveLength(32);
    expect(new Set(bars.map((height) => height.toFixed(6))).size).toBe(1);
    expect(svg).not.toMatch(BROKEN);
  });

  it('shows every weight in units of its own step where there are several', async () => {
    const model = await quantizeModel(float(), { bits: 4, firstLast: 'same', perChannel: true });
    const svg = await plotWeights({ one: quantizedWeights(model)[0]!, other: quantizedWeights(model)[0]! });
    expect(texts(svg)).toEqual(expect.arrayContaining(['weight / step', 'one', 'other']));
    expect(svg).not.toMatch(BROKEN);
  });

  it('counts weights that are no numbers, and says where nothing can be drawn', async () => {
    const model = await quantizeModel(float(), { bits: 4, firstLast: 'same' });
    const [weight] = quantizedWeights(model);
    weight!.latent.assign(tf.tensor2d([Number.NaN, ...new Array<number>(31).fill(1)], [4, 8]));
    expect(texts(await plotWeights(weight!))).toContain('1 weight is not finite and left out.');
    weight!.latent.assign(tf.fill([4, 8], Number.NaN));
    expect(texts(await plotWeights(weight!))).toContain('No weight is finite.');
    weight!.latent.assign(tf.zeros([4, 8]));
    expect(texts(await plotWeights(weight!))).toContain('All weights are 0.');
  });

  it('refuses a model in place of a weight', async () => {
    await expect(plotWeights(float() as never)).rejects.toThrow(/^plotWeights: needs one of quantizedWeights\(model\)/);
  });
});
