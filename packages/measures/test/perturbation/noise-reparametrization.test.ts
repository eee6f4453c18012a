import { type Examples, openData } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { weightNorms } from '../../src/norms/weight-norms';
import { perturb } from '../../src/perturbation/gaussian-noise';
import { evaluate } from '../../src/subject/evaluate';
import { openModel } from '../../src/subject/open-model';
import type { OpenModelOptions } from '../../src/subject/options';
import { smallData } from '../interruption';

/** Two convolutions, the first normalized, and a dense layer; ReLU between them. */
function net(): tfl.LayersModel {
  const conv = (name: string, options = {}) =>
    tfl.layers.conv2d({ name, filters: 4, kernelSize: 3, padding: 'same', ...options });
  const model = tfl.sequential({
    layers: [
      conv('normalized', { inputShape: [6, 6, 2], useBias: false }),
      tfl.layers.batchNormalization({ name: 'norm' }),
      tfl.layers.reLU(),
      conv('plain', { activation: 'relu' }),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 3, name: 'last' }),
    ],
  });
  for (const [k, weight] of model.weights.entries())
    write(weight, (_, i) => (weight.originalName.endsWith('variance') ? 1 : 0) + 0.4 * Math.sin(7 * i + 3 * k));
  return model;
}

function write(weight: tfl.LayerVariable, value: (old: number, index: number) => number): void {
  tf.tidy(() => {
    const old = weight.read();
    weight.write(tf.tensor(Array.from(old.dataSync(), value), old.shape));
  });
}

const of = (model: tfl.LayersModel, name: string) =>
  model.weights.find((weight) => weight.originalName.endsWith(name))!;

/** K -> c K with mean -> c mean and variance -> c^2 variance + (c^2 - 1) epsilon: the same function. */
function scaledBeforeNorm(c: number): tfl.LayersModel {
  const model = net();
  write(of(model, 'normalized/kernel'), (old) => c * old);
  write(of(model, 'moving_mean'), (old) => c * old);
  write(of(model, 'moving_variance'), (old) => c * c * old + (c * c - 1) * 1e-3);
  return model;
}

/** c times the second convolution and 1 / c times what follows its ReLU: the same function. */
function movedAcrossReLU(c: number): tfl.LayersModel {
  const model = net();
  write(of(model, 'plain/kernel'), (old) => c * old);
  write(of(model, 'plain/bias'), (old) => c * old);
  write(of(model, 'last/kernel'), (old) => old / c);
  return model;
}

/** The loss under one draw of noise. */
async function underNoise(
  model: tfl.LayersModel,
  examples: Examples,
  { magnitudeAware, ...options }: OpenModelOptions & { readonly magnitudeAware: boolean },
): Promise<number> {
  const subject = openModel(model, options, 'test');
  const scale = magnitudeAware ? 0.5 : 0.1;
  perturb(subject, { magnitudeAware, epsilon: 1e-12, convention: 'standard', scale }, { seed: 1, draw: 0 });
  const { loss } = await evaluate(subject, examples, {}, 'test');
  subject.close();
  return loss;
}

describe('noise under reparametrizations that leave the function alone', { timeout: 60_000 }, () => {
  beforeAll(() => useBackend('wasm'));
  const factor = fc.double({ min: 0.2, max: 5, noNaN: true });

  it('the scale of a kernel before batch normalization changes nothing once folded', async () => {
    const examples = await openData(smallData, 'test');
    await fc.assert(
      fc.asyncProperty(factor, async (c) => {
        const [model, scaled] = [net(), scaledBeforeNorm(c)];
        // Magnitude-aware noise does not even need the folding.
        for (const options of [
          { magnitudeAware: false },
          { magnitudeAware: true },
          { magnitudeAware: true, batchNorm: 'inference' },
        ] as const) {
          const [a, b] = [await underNoise(model, examples, options), await underNoise(scaled, examples, options)];
          expect(Math.abs(b / a - 1)).toBeLessThan(1e-4);
        }
        expect((await weightNorms(scaled)).total.l2 / (await weightNorms(model)).total.l2).toBeCloseTo(1, 4);
        for (const each of [model, scaled]) each.dispose();
      }),
      { numRuns: 8 },
    );
  });

  it('moving scale across a ReLU leaves magnitude-aware noise alone', async () => {
    const examples = await openData(smallData, 'test');
    await fc.assert(
      fc.asyncProperty(factor, async (c) => {
        const [model, moved] = [net(), movedAcrossReLU(c)];
        const relative = { magnitudeAware: true };
        const [a, b] = [await underNoise(model, examples, relative), await underNoise(moved, examples, relative)];
        expect(Math.abs(b / a - 1)).toBeLessThan(1e-4);
        for (const each of [model, moved]) each.dispose();
      }),
      { numRuns: 8 },
    );
  });

  it('plain noise on a kernel that was scaled by 4 moves the outputs a quarter as much, and its norm is 4 times', async () => {
    const change = async (model: tfl.LayersModel, kernel: string) => {
      const options = { batchNorm: 'inference', scope: ({ name }: { name: string }) => name === kernel } as const;
      const subject = openModel(model, options, 'test');
      const x = tf.tensor(smallData.xs, [24, 6, 6, 2]);
      const before = subject.predict(x);
      // So little that no ReLU switches: the change is linear in the noise.
      const noise = { magnitudeAware: false, epsilon: 1e-3, convention: 'standard', scale: 1e-4 } as const;
      perturb(subject, noise, { seed: 1, draw: 0 });
      const moved = tf.norm(tf.sub(subject.predict(x), before)).dataSync()[0]!;
      subject.close();
      return { moved, l2: (await weightNorms(model, options)).total.l2 };
    };
    for (const [kernel, other] of [
      ['normalized/kernel', scaledBeforeNorm(4)],
      ['plain/kernel', movedAcrossReLU(4)],
    ] as const) {
      const [original, scaled] = [await change(net(), kernel), await change(other, kernel)];
      expect(original.moved / scaled.moved).toBeCloseTo(4, 1);
      expect(scaled.l2 / original.l2).toBeCloseTo(4, 4);
    }
  });

  it('one seed draws the same noise for two models of one architecture, whatever their weights', () => {
    const [a, b] = [net(), net()];
    for (const weight of b.weights) write(weight, (old) => old / 2);
    const noise = { magnitudeAware: false, epsilon: 1e-3, convention: 'standard', scale: 1 } as const;
    const draws = [a, b].map((model) => {
      const subject = openModel(model, {}, 'test');
      perturb(subject, noise, { seed: 5, draw: 3 });
      const u = subject.parameters.map(({ variable, centre }) => tf.sub(variable as tf.Tensor, centre).dataSync());
      subject.close();
      return u;
    });
    for (const [k, u] of draws[0]!.entries())
      for (const [i, value] of u.entries()) expect(draws[1]![k]![i]).toBeCloseTo(value, 5);
  });
});
