import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { hessianTrace } from '../../src/curvature/hessian-trace';
import { averageSharpness } from '../../src/flatness/average-sharpness';
import { samSharpness } from '../../src/flatness/sam-sharpness';
import { lossLandscape } from '../../src/landscape/loss-landscape';
import { normMeasures } from '../../src/norms/norm-measures';
import { smallData, smallNet } from '../interruption';

const data = {
  xs: Float32Array.from({ length: 30 * 4 }, (_, i) => Math.sin(1.3 * i) + Math.cos(0.37 * i * i)),
  ys: Int32Array.from({ length: 30 }, (_, i) => (i * i) % 3),
  shape: [4],
};

/** relu(x W1 c + b1 c) W2 / c + b2: one function for every c > 0 (Dinh et al. 2017, section 4). */
function rescaled(c: number): tfl.LayersModel {
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({ inputShape: [4], units: 6, activation: 'relu', name: 'first' }),
      tfl.layers.dense({ units: 3, name: 'second' }),
    ],
  });
  const values = (size: number, phase: number, scale: number) =>
    Float32Array.from({ length: size }, (_, i) => scale * Math.sin(5 * i + phase));
  tf.tidy(() =>
    model.setWeights([
      tf.tensor(values(24, 1, c), [4, 6]),
      tf.tensor(values(6, 2, 0.3 * c), [6]),
      tf.tensor(values(18, 3, 1 / c), [6, 3]),
      tf.tensor(values(3, 4, 0.3), [3]),
    ]),
  );
  return model;
}

type Measurement = (model: tfl.LayersModel) => Promise<number>;

/** measure(rescaled(c)) / measure(rescaled(1)) */
async function change(measure: Measurement, c: number): Promise<number> {
  const models = [rescaled(1), rescaled(c)];
  const [before, after] = [await measure(models[0]!), await measure(models[1]!)];
  for (const model of models) model.dispose();
  return after! / before!;
}

const measures: Record<string, Measurement> = {
  'adaptive SAM sharpness': async (model) => (await samSharpness(model, data, { adaptive: true, rho: 0.3 })).value,
  'adaptive average sharpness': async (model) => (await averageSharpness(model, data, { draws: 5, rho: 0.5 })).value,
  'the filter-normalized landscape': async (model) => (await lossLandscape(model, data, { x: [1] })).loss[0]!,
  'the product of spectral norms': async (model) => (await normMeasures(model, data)).measures.LOG_PROD_OF_SPEC.raw!,
  'the ratio of Frobenius to spectral norms': async (model) =>
    (await normMeasures(model, data)).measures.FRO_OVER_SPEC.raw!,
};
const fooled: Record<string, Measurement> = {
  'plain SAM sharpness': async (model) => (await samSharpness(model, data, { rho: 0.3 })).value,
  'plain average sharpness': async (model) =>
    (await averageSharpness(model, data, { draws: 5, rho: 0.5, adaptive: false })).value,
  'the landscape without normalization': async (model) =>
    (await lossLandscape(model, data, { x: [1], normalization: 'none' })).loss[0]!,
  'the trace of the Hessian': async (model) => (await hessianTrace(model, data, { maxProbes: 10 })).value,
  'the norm of the weights': async (model) => (await normMeasures(model, data)).measures.PARAM_NORM.raw!,
};

describe('a rescaling of layers that leaves the function alone', () => {
  beforeAll(() => useBackend('wasm'));

  it.each(Object.entries(measures))('leaves %s alone', { timeout: 30_000 }, async (_, measure) => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: -3, max: 3, noNaN: true }), async (logC) => {
        expect(Math.abs((await change(measure, Math.exp(logC))) - 1)).toBeLessThan(1e-3);
      }),
      { numRuns: 10 },
    );
  });

  it.each(Object.entries(fooled))('changes %s', async (_, measure) => {
    expect(Math.abs((await change(measure, 8)) - 1)).toBeGreaterThan(0.1);
  });
});

describe('a rescaling of a kernel before batch normalization', () => {
  beforeAll(() => useBackend('wasm'));

  /** K, b, mean times c and variance + epsilon times c²: what comes out of the normalization stays. */
  const beforeNormalization = (c: number): tfl.LayersModel => {
    const model = smallNet();
    const epsilon = 1e-3;
    for (const weight of model.weights) {
      const value = weight.read();
      const scaled = tf.tidy(() => {
        if (/moving_variance/.test(weight.originalName)) return tf.sub(tf.mul(tf.add(value, epsilon), c * c), epsilon);
        return /conv|moving_mean/.test(weight.name) ? tf.mul(value, c) : tf.clone(value);
      });
      weight.write(scaled);
      scaled.dispose();
    }
    return model;
  };
  const sharpness = async (c: number, batchNorm: 'fold' | 'inference') => {
    const model = beforeNormalization(c);
    const { value, loss } = await samSharpness(model, smallData, { rho: 0.1, batchNorm });
    model.dispose();
    return { value, loss };
  };

  it('leaves plain sharpness alone once the normalization is folded into the kernel', { timeout: 30_000 }, async () => {
    const before = await sharpness(1, 'fold');
    await fc.assert(
      fc.asyncProperty(fc.double({ min: -2, max: 2, noNaN: true }), async (logC) => {
        const after = await sharpness(Math.exp(logC), 'fold');
        expect(Math.abs(after.loss / before.loss - 1)).toBeLessThan(1e-5);
        expect(Math.abs(after.value / before.value - 1)).toBeLessThan(1e-3);
      }),
      { numRuns: 10 },
    );
  });

  it('changes it where the kernel is measured as stored', async () => {
    const [before, after] = [await sharpness(1, 'inference'), await sharpness(1 / 8, 'inference')];
    expect(Math.abs(after.loss / before.loss - 1)).toBeLessThan(1e-5);
    expect(Math.abs(after.value / before.value - 1)).toBeGreaterThan(0.1);
  });
});
