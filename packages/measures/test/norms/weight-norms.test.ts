import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { asMatrix, weightNorms } from '../../src/norms/weight-norms';
import { snapshot } from '../../src/subject/snapshot';
import { floatNets, goldenNet, goldenOf, quantizedNets } from '../golden-nets';

interface Variant {
  readonly l2: number;
  readonly l2_dist: number;
  readonly omega: number;
}

describe('weightNorms', { timeout: 60_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  for (const name of [...floatNets, ...quantizedNets])
    it(`gives |w|, |w - w0| and omega of every variant of ${name}`, async () => {
      const net = await goldenNet(name);
      const { variants } = await goldenOf<{ variants: Record<string, Variant> }>('scales.json', name);
      const initial = await snapshot(net.initial);
      for (const [variant, golden] of Object.entries(variants)) {
        if (golden.l2 === undefined) continue;
        const [view, scope] = variant.includes('/') ? variant.split('/') : ['folded', variant];
        const { total } = await weightNorms(net.model, {
          initial,
          scope: scope === 'all' ? 'all' : 'weights',
          includeSteps: scope === 'weights+steps',
          view: view === 'latent' ? 'latent' : 'dequantized',
          batchNorm: view === 'raw' ? 'inference' : 'fold',
        });
        expect(total.count, variant).toBe(golden.omega);
        expect(Math.abs(total.l2 / golden.l2 - 1), variant).toBeLessThan(1e-6);
        expect(Math.abs(total.distance! / golden.l2_dist - 1), variant).toBeLessThan(1e-6);
      }
    });

  it('of diag(3, 4): |w| = 5, spectral norm 4, half of the entries zero; no tensor is left behind', async () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [2], units: 2, name: 'last' })] });
    model.layers[0]!.weights[0]!.write(tf.tensor2d([3, 0, 0, 4], [2, 2]));
    const leaked = await leakedTensors(async () => {
      const initial = await snapshot(model);
      const norms = await weightNorms(model, { initial });
      expect(norms).toMatchObject({ view: 'float', scope: 'weights', batchNorm: 'none' });
      expect(norms.total).toEqual({ count: 4, l2: 5, rms: 2.5, linf: 4, zeroFraction: 0.5, distance: 0 });
      expect(norms.parameters.map(({ name }) => name)).toEqual(['last/kernel']);
      expect(norms.parameters[0]!.spectral).toBeCloseTo(4, 8);
    });
    expect(leaked).toBe(0);
  });
});

describe('weightNorms of a large kernel', () => {
  beforeAll(() => useBackend('cpu'));
  const large = () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [1024], units: 1024, useBias: false })] });
    tf.tidy(() => model.setWeights([tf.randomNormal([1024, 1024], 0, 1, 'float32', 1)]));
    return model;
  };

  it('lets timers run between products and tells its progress', async () => {
    const model = large();
    let turns = 0;
    const timer = setInterval(() => turns++);
    const shares: number[] = [];
    await weightNorms(model, { onProgress: ({ done, total }) => shares.push(done / total) });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
    expect(shares.at(-1)).toBe(1);
    expect(shares.length).toBeGreaterThan(1);
    model.dispose();
  });

  it('stops between products when aborted, with the reason', async () => {
    const model = large();
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = () => controller.abort(reason);
    await expect(weightNorms(model, { signal: controller.signal, onProgress })).rejects.toBe(reason);
    model.dispose();
  });
});

it('asMatrix puts filters in columns wherever their axes are', () => {
  // A [2, 3] array whose filters are on the first axis: the columns are its rows.
  expect(asMatrix([1, 2, 3, 4, 5, 6], { shape: [2, 3], filterAxes: [0] })).toEqual([
    Float64Array.from([1, 4, 2, 5, 3, 6]),
    [3, 2],
  ]);
  expect(asMatrix([1, 2, 3, 4], { shape: [2, 2], filterAxes: [1] })).toEqual([
    [1, 2, 3, 4],
    [2, 2],
  ]);
});
