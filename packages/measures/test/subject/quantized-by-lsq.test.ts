import { openData } from '@qgen/core';
import { quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { generalizationGap } from '../../src/comparison/generalization-gap';
import { hessianEigenvalues } from '../../src/curvature/hessian-eigenvalues';
import { hessianTrace } from '../../src/curvature/hessian-trace';
import { weightNorms } from '../../src/norms/weight-norms';
import { evaluate } from '../../src/subject/evaluate';
import { openModel } from '../../src/subject/open-model';
import { snapshot } from '../../src/subject/snapshot';
import { goldenNet, quantizedNets } from '../golden-nets';
import { smallData, smallNet, weightBytes } from '../interruption';

describe('models of @qgen/lsq', { timeout: 120_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  for (const name of quantizedNets)
    it(`${name}, quantized by quantizeModel, has the golden's loss in both views`, async () => {
      const net = await goldenNet(name);
      const float = net.initial;
      const latent = net.model.getWeights();
      float.setWeights(latent);
      const lsq = { init: 'lsq', stepScale: 'absolute' } as const;
      const twin = await quantizeModel(float, { bits: net.spec.weightBits!, firstLast: 'same', ...lsq });
      for (const layer of twin.layers)
        for (const weight of layer.weights.filter((each) => each.originalName.endsWith('kernel_step'))) {
          const golden = net.model.getLayer(layer.name) as unknown as Record<symbol, { steps: tf.Variable[] }>;
          weight.write(tf.reshape(golden[Symbol.for('@qgen/quantized')]!.steps[0]!, weight.shape as number[]));
        }
      const { train } = await generalizationGap(twin, net.test, net.test);
      expect(Math.abs(train.loss / net.spec.testLoss - 1)).toBeLessThan(2e-5);
      for (const view of ['dequantized', 'latent'] as const) {
        const [ours, theirs] = await Promise.all([weightNorms(net.model, { view }), weightNorms(twin, { view })]);
        expect(theirs.view).toBe(view);
        expect(theirs.total).toEqual(ours.total);
      }
    });

  it('batch normalization folds into quantized kernels in the dequantized view, and the function stays', async () => {
    const float = smallNet();
    const initial = await snapshot(float);
    const model = await quantizeModel(float, { bits: 3, firstLast: 'same', stepScale: 'absolute' });
    const before = weightBytes(model);
    const data = await openData(smallData, 'test');
    const outcome = async (options: Parameters<typeof openModel>[1]) => {
      const subject = openModel(model, options, 'test');
      const { loss } = await evaluate(subject, data, {}, 'test');
      const found = {
        loss,
        parameters: subject.parameters.map(({ name, folded }) => `${name}${folded ? ' folded' : ''}`),
      };
      subject.close();
      expect(weightBytes(model)).toBe(before);
      return found;
    };
    const raw = await outcome({ batchNorm: 'inference' });
    const folded = await outcome({});
    expect(folded.parameters).toEqual(['conv/kernel folded', 'logits/kernel']);
    expect(folded.loss).toBeCloseTo(raw.loss, 5);
    // In the latent view the quantizer stands between the kernel and the normalization.
    const latent = await outcome({ view: 'latent', includeSteps: true });
    expect(latent.parameters).toEqual(['conv/kernel', 'conv/kernel_step', 'logits/kernel', 'logits/kernel_step']);
    expect(latent.loss).toBeCloseTo(raw.loss, 6);
    const { total } = await weightNorms(model, { initial });
    expect(total.distance).toBeGreaterThan(0);
    expect(total.zeroFraction).toBeGreaterThan(0);
  });

  it('Gauss-Newton is refused where the outputs of quantizers change in steps, and the Hessian goes straight through', async () => {
    const curvature = 'gauss-newton';
    const weights = await quantizeModel(smallNet(), { bits: 4 });
    expect((await hessianEigenvalues(weights, smallData, { curvature, maxProducts: 2 })).view).toBe('dequantized');
    await expect(hessianEigenvalues(weights, smallData, { curvature, view: 'latent' })).rejects.toThrow(
      "hessianEigenvalues: curvature 'gauss-newton' takes differences of outputs, but the outputs of quantizers change only in",
    );
    const activations = await quantizeModel(smallNet(), { bits: 4, activations: { bits: 4 } });
    await expect(hessianTrace(activations, smallData, { curvature })).rejects.toThrow(
      /^hessianTrace: .* change only in steps/,
    );
    const { values } = await hessianEigenvalues(weights, smallData, { view: 'latent', maxProducts: 2 });
    expect(values[0]).toBeGreaterThan(0);
  });

  it('a softmax in a quantized last layer is still read as probabilities', async () => {
    const float = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [2], units: 2, activation: 'softmax' })] });
    const model = await quantizeModel(float, { bits: 8, firstLast: 'same' });
    const subject = openModel(model, {}, 'test');
    expect(subject.outputKind).toBe('probabilities');
    subject.close();
  });
});
