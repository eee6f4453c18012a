import type { InMemoryData } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { hessianEigenvalues } from '../../src/curvature/hessian-eigenvalues';
import { averageSharpness } from '../../src/flatness/average-sharpness';
import { samSharpness } from '../../src/flatness/sam-sharpness';
import { lossLandscape } from '../../src/landscape/loss-landscape';
import { normMeasures } from '../../src/norms/norm-measures';
import type { View } from '../../src/subject/options';
import { flatLayers } from '../../src/subject/parameters';
import { quantizedLayer } from '../../src/subject/quantized';
import { weightBytes } from '../interruption';
import { quantizeConvNet } from '../quantized-net';

const data: InMemoryData = {
  xs: Float32Array.from({ length: 30 * 4 }, (_, i) => Math.sin(1.3 * i) + Math.cos(0.37 * i * i)),
  ys: Int32Array.from({ length: 30 }, (_, i) => (i * i) % 3),
  shape: [4],
};

/** Two dense layers quantized to 3 bits, and the float net that has their dequantized kernels. */
function twins(): { quantized: tfl.LayersModel; dequantized: tfl.LayersModel } {
  const build = () =>
    tfl.sequential({
      layers: [
        tfl.layers.dense({ inputShape: [4], units: 6, activation: 'relu', name: 'first' }),
        tfl.layers.dense({ units: 3, name: 'second' }),
      ],
    });
  const float = build();
  tf.tidy(() =>
    float.setWeights(
      float.getWeights().map(({ shape, size }, k) =>
        tf.tensor(
          Float32Array.from({ length: size }, (_, i) => Math.sin(5 * i + k)),
          shape,
        ),
      ),
    ),
  );
  const quantized = quantizeConvNet(float, 3, () => 0.3);
  const dequantized = float;
  tf.tidy(() => {
    for (const [l, layer] of flatLayers(quantized)
      .filter((each) => quantizedLayer(each))
      .entries()) {
      const kernel = quantizedLayer(layer)!.kernels[0]!.dequantized();
      const [, bias] = dequantized.layers[l]!.getWeights();
      dequantized.layers[l]!.setWeights([kernel, bias!]);
    }
  });
  return { quantized, dequantized };
}

const measures: Record<string, (model: tfl.LayersModel, view?: View) => Promise<number>> = {
  samSharpness: async (model, view) => (await samSharpness(model, data, { rho: 0.2, view })).value,
  averageSharpness: async (model, view) => (await averageSharpness(model, data, { draws: 3, rho: 0.3, view })).value,
  lossLandscape: async (model, view) => (await lossLandscape(model, data, { x: [0.7], view })).loss[0]!,
  hessianEigenvalues: async (model, view) => (await hessianEigenvalues(model, data, { view })).values[0]!,
  normMeasures: async (model, view) => (await normMeasures(model, data, { view })).measures.PATH_NORM.raw!,
};

describe.each(Object.entries(measures))('%s of a quantized model', (_, measure) => {
  beforeAll(() => useBackend('wasm'));

  it('looks at the dequantized weights in real space, and at the latent ones when asked', async () => {
    const { quantized, dequantized } = twins();
    const before = weightBytes(quantized);
    const expected = await measure(dequantized);
    expect((await measure(quantized)) / expected).toBeCloseTo(1, 5);
    expect(Math.abs((await measure(quantized, 'latent')) / expected - 1)).toBeGreaterThan(1e-3);
    expect(weightBytes(quantized)).toBe(before);
    for (const layer of flatLayers(quantized))
      for (const kernel of quantizedLayer(layer)?.kernels ?? []) expect(kernel.bypass).toBe(false);
  });
});
