import { calibrate, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { NORM_MEASURE_IDS } from '../../src/norms/norm-formulas';
import { type NormMeasure, type NormMeasures, normMeasures } from '../../src/norms/norm-measures';
import { snapshot } from '../../src/subject/snapshot';
import { floatNets, goldenNet, goldenOf, officialNets, officialRun } from '../golden-nets';
import { expectRestored, smallData, smallNet } from '../interruption';

type Expected = Record<string, { raw: number; adjusted: number }>;
interface Norms {
  readonly margin_p10: number;
  readonly per_layer: Record<string, number[]>;
  readonly measures: Expected;
}

const at = (result: NormMeasures, id: string): NormMeasure => result.measures[id as keyof NormMeasures['measures']];

/** Two logits (w1 x1, w2 x2) of one kernel [[w1, 0], [0, w2]]. */
const diagonal = (w1: number, w2: number) => {
  const variable = tf.variable(
    tf.tensor2d([
      [w1, 0],
      [0, w2],
    ]),
  );
  return { variables: [variable], forward: (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, variable as tf.Tensor2D) };
};
/** Margins 3 x1 - 2 x2 of label 0: 1 for each. */
const ten = { xs: Array.from({ length: 10 }, () => [1, 1]), ys: new Int32Array(10) };

describe('normMeasures', () => {
  beforeAll(() => useBackend('wasm'));

  it('computes every formula on a 2 x 2 kernel diag(3, 2) from diag(1, 2): S = 9, F = 13, DS = DF = 4, g = 1', async () => {
    const initial = await snapshot(diagonal(1, 2));
    const result = await normMeasures(diagonal(3, 2), ten, { initial });
    const expected = {
      L2: Math.sqrt(13),
      L2_DIST: 2,
      PARAMS: 4,
      INVERSE_MARGIN: 1,
      LOG_PROD_OF_SPEC: Math.log(9),
      FRO_OVER_SPEC: 13 / 9,
      LOG_SPEC_INIT_MAIN: Math.log(9) + Math.log(4 / 9),
      LOG_SPEC_ORIG_MAIN: Math.log(9) + Math.log(13 / 9),
      LOG_SUM_OF_SPEC: Math.log(9),
      DIST_SPEC_INIT: 4,
      LOG_PROD_OF_SPEC_FFT: Math.log(9),
      LOG_PROD_OF_FRO: Math.log(13),
      FRO_DIST: 4,
      PARAM_NORM: 13,
      PATH_NORM: 13,
      PATH_NORM_OVER_MARGIN: 13,
    };
    for (const [id, value] of Object.entries(expected)) expect(at(result, id).raw, id).toBeCloseTo(value, 6);
    expect(at(result, 'PARAM_NORM').adjusted).toBeCloseTo(Math.sqrt(13 / 10), 6);
    expect(at(result, 'LOG_PROD_OF_FRO').adjusted).toBeCloseTo((Math.log(13) - Math.log(10)) / 2, 6);
    expect(result).toMatchObject({ margin: 1, m: 10, warnings: [] });
  });

  it('takes the margin of the floor(m / 10)-th worst example, divided out as 2 ln |g|', async () => {
    const xs = Array.from({ length: 20 }, (_, i) => [1 + i, 1]);
    const result = await normMeasures(diagonal(3, 2), { xs, ys: new Int32Array(20) });
    // Margins 3 (1 + i) - 2 = 1, 4, 7, …: the second.
    expect(result.margin).toBeCloseTo(4, 6);
    expect(at(result, 'INVERSE_MARGIN').raw).toBeCloseTo(1 / 16, 6);
    expect(at(result, 'LOG_PROD_OF_SPEC_OVER_MARGIN').raw).toBeCloseTo(Math.log(9) - 2 * Math.log(4), 6);
  });

  it('is null with a reason where weights at initialization or a finite margin is missing', async () => {
    const nowhere = { xs: [[1, Number.NaN]], ys: [0] };
    const result = await normMeasures(diagonal(3, 2), nowhere);
    for (const id of ['L2_DIST', 'DIST_SPEC_INIT', 'INVERSE_MARGIN'])
      expect(at(result, id), id).toEqual({ raw: null, adjusted: null });
    expect(at(result, 'PARAM_NORM').raw).toBeCloseTo(13, 6);
    expect(result.warnings.join()).toMatch(/initial weights.*margin is NaN/);
  });

  it.each([
    ['its dense layer', { activation: 'softmax' as const, last: [] }],
    ['an activation layer', { last: [tfl.layers.activation({ activation: 'softmax' })] }],
    ['a softmax layer', { last: [tfl.layers.softmax()] }],
  ])(
    'looks through the softmax of %s: margins are of logits, and so is the path norm',
    async (_, { last, ...dense }) => {
      const build = (options: object, layers: tfl.layers.Layer[]) => {
        const first = tfl.layers.dense({ inputShape: [2], units: 2, ...options });
        const model = tfl.sequential({ layers: [first, ...layers] });
        tf.tidy(() =>
          model.setWeights([
            tf.tensor2d([
              [3, 0.5],
              [-1, 2],
            ]),
            tf.tensor1d([0.5, -0.25]),
          ]),
        );
        return model;
      };
      const plain = build({}, []);
      const softmax = build(dense, last);
      const expected = await normMeasures(plain, ten);
      const result = await normMeasures(softmax, ten);
      expect(result.margin).toBeCloseTo(expected.margin, 5);
      expect(at(expected, 'PATH_NORM').raw).toBeCloseTo(9 + 0.25 + 1 + 4 + 0.25 + 0.0625, 5);
      expect(at(result, 'PATH_NORM').raw).toBeCloseTo(at(expected, 'PATH_NORM').raw!, 5);
      const probabilities = softmax.predict(tf.ones([1, 2])) as tf.Tensor;
      expect(probabilities.dataSync()[0]! + probabilities.dataSync()[1]!).toBeCloseTo(1, 6);
      for (const each of [plain, softmax, probabilities]) each.dispose();
    },
  );

  describe('of a kernel diag(3, 2) behind a softmax has the path norm 3² + 2² = 13', () => {
    const net = (last: (dense: tfl.layers.Layer) => tfl.layers.Layer[], inputShape = [2]) => {
      const dense = tfl.layers.dense({ inputShape, units: 2, useBias: false, activation: 'softmax' });
      const model = tfl.sequential({ layers: last(dense) });
      tf.tidy(() => model.setWeights([tf.tensor2d([3, 0, 0, 2], [2, 2])]));
      return model;
    };

    it.each(['dequantized', 'latent', 'float'] as const)(
      'also where the kernel is quantized, view %s',
      async (view) => {
        const float = net((dense) => [dense]);
        // 3 = 3 x 1 and 2 = 2 x 1 lie on the grid of 3 bits, their squares 9 and 4 beyond its end, 3.
        const model = await quantizeModel(float, { bits: 3, firstLast: 'same', stepScale: 'absolute' });
        tf.tidy(() => {
          for (const weight of model.layers[0]!.weights)
            if (weight.originalName.endsWith('kernel_step')) weight.write(tf.ones(weight.shape as number[]));
        });
        const result = await normMeasures(model, ten, { view });
        expect(at(result, 'PATH_NORM').raw).toBeCloseTo(13, 5);
        for (const each of [float, model]) each.dispose();
      },
    );

    it('also in a TimeDistributed', async () => {
      const model = net((layer) => [tfl.layers.timeDistributed({ layer, inputShape: [1, 2] }), tfl.layers.flatten()]);
      const data = { xs: ten.xs.map((row) => [row]), ys: ten.ys };
      const result = await normMeasures(model, data, { output: 'probabilities' });
      expect(at(result, 'PATH_NORM').raw).toBeCloseTo(13, 5);
      model.dispose();
    });

    it('but none in a function, whose softmax cannot be left out: the warning says so', async () => {
      const { forward, variables } = diagonal(3, 2);
      const result = await normMeasures(
        { forward: (x) => tf.softmax(forward(x)), variables, output: 'probabilities' },
        ten,
      );
      expect(at(result, 'PATH_NORM').raw).toBeNull();
      expect(result.warnings.join()).toMatch(/PATH_NORM is null: the softmax .* give a model of logits/);
    });

    it('but none behind quantized activations, which clip and round: the warning says so', async () => {
      const float = net((dense) => [dense]);
      const activations = { bits: 8, modelInput: true };
      const model = await quantizeModel(float, { bits: 3, firstLast: 'same', activations });
      await calibrate(model, ten.xs);
      const result = await normMeasures(model, ten);
      expect(at(result, 'PATH_NORM').raw).toBeNull();
      expect(result.warnings.join()).toMatch(/PATH_NORM is null: quantizers of activations clip/);
      for (const each of [float, model]) each.dispose();
    });
  });

  it('convolves a depthwise kernel channel by channel for the measures by FFT', async () => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.depthwiseConv2d({ inputShape: [4, 4, 2], kernelSize: [1, 1], depthMultiplier: 2, name: 'each' }),
        tfl.layers.globalAveragePooling2d({}),
      ],
    });
    // Channel 0 to (1, 2), channel 1 to (3, 4): norms sqrt 5 and 5.
    tf.tidy(() => model.setWeights([tf.tensor4d([1, 2, 3, 4], [1, 1, 2, 2]), tf.zeros([4])]));
    const result = await normMeasures(model, { xs: new Float32Array(32), ys: [0], shape: [4, 4, 2] });
    expect(result.layers[0]!.spectralFft).toBeCloseTo(25, 6);
    model.dispose();
  });

  it('says where the path norm is not defined: batch normalization without a kernel before it', async () => {
    const model = tfl.sequential({
      layers: [tfl.layers.batchNormalization({ inputShape: [2] }), tfl.layers.dense({ units: 2 })],
    });
    const result = await normMeasures(model, ten);
    expect(at(result, 'PATH_NORM').raw).toBeNull();
    expect(result.warnings.join()).toMatch(/PATH_NORM is null: the batch normalization/);
    model.dispose();
  });

  it('restores every weight and leaks nothing, finished, failed or aborted', { timeout: 60_000 }, async () => {
    await expectRestored((model, data, signal) => normMeasures(model, data, { batchSize: 4, signal }));
  });

  it('refuses a model without kernels', async () => {
    const scale = tf.variable(tf.tensor1d([1, 2]));
    const model = { variables: [scale], forward: (x: tf.Tensor) => tf.mul(x, scale) };
    await expect(normMeasures(model, ten)).rejects.toThrow(/no kernel/);
  });

  it('reports progress up to the end', async () => {
    const model = smallNet();
    const shares: number[] = [];
    await normMeasures(model, smallData, { onProgress: ({ done, total }) => shares.push(done / total) });
    expect(shares.length).toBeGreaterThan(0);
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    model.dispose();
  });
});

describe('normMeasures against the reference', () => {
  beforeAll(() => useBackend('wasm'));

  it.for(floatNets)('meets every measure and every layer on %s to 1e-5', { timeout: 60_000 }, async (name) => {
    const net = await goldenNet(name);
    const golden = await goldenOf<Norms>('norms.json', name);
    const result = await normMeasures(net.model, net.train, { initial: await snapshot(net.initial) });
    // The golden's own tolerance. The margin is a difference of logits: two of their last places are 1e-5 of a measure over margin².
    const offMargin = Math.abs(result.margin / golden.margin_p10 - 1);
    expect(offMargin).toBeLessThan(1e-3);
    expect(Object.keys(golden.measures).sort()).toEqual([...NORM_MEASURE_IDS].sort());
    for (const [id, expected] of Object.entries(golden.measures)) {
      const { raw, adjusted } = at(result, id);
      // Relative errors of the margin, 3e-6 here, enter measures near zero as absolute ones.
      const tolerance = 1e-5 + (['INVERSE_MARGIN', 'PATH_NORM_OVER_MARGIN'].includes(id) ? 2 * offMargin : 0);
      expect(Math.abs(raw! - expected.raw), id).toBeLessThan(tolerance * Math.max(1, Math.abs(expected.raw)));
      expect(Math.abs(adjusted! - expected.adjusted), id).toBeLessThan(1e-5 * Math.max(1, expected.adjusted));
    }
    const columns = {
      fro2: 'frobenius',
      spec2: 'spectral',
      spec2_fft: 'spectralFft',
      dist_fro2: 'distanceFrobenius',
      dist_spec2: 'distanceSpectral',
    } as const;
    for (const [column, field] of Object.entries(columns))
      for (const [l, value] of golden.per_layer[column]!.entries())
        expect(Math.abs(result.layers[l]![field]! / value - 1)).toBeLessThan(1e-5);
  });

  it.for(officialNets)('meets the official code on its own NiN, %s', { timeout: 60_000 }, async (name) => {
    const net = await goldenNet(name);
    const golden = await officialRun<{
      runs: Record<string, { measures: Record<string, number> }>;
      ours_raw_and_adjusted: Expected;
    }>(name);
    const initial = await snapshot(net.initial);
    const result = await normMeasures(net.model, net.train, { initial });
    for (const [id, value] of Object.entries(golden.runs['0']!.measures)) {
      if (id.startsWith('PACBAYES')) continue;
      // The official batch normalization keeps a factor 1/sqrt(1 + 1e-5), which moves the margin, -0.06, by 3e-3.
      expect(Math.abs(at(result, id).adjusted! / value - 1), id).toBeLessThan(id.includes('MARGIN') ? 5e-3 : 1e-3);
    }
    for (const [id, { raw }] of Object.entries(golden.ours_raw_and_adjusted))
      if (!id.startsWith('PACBAYES'))
        expect(Math.abs(at(result, id).raw! / raw - 1), id).toBeLessThan(id.includes('MARGIN') ? 1e-3 : 1e-5);
  });
});
