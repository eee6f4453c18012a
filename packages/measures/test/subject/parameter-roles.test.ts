import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { normMeasures } from '../../src/norms/norm-measures';
import { weightNorms } from '../../src/norms/weight-norms';
import { modelParameters } from '../../src/subject/parameters';

describe('the role of a parameter', () => {
  beforeAll(() => useBackend('cpu'));

  const roles = (model: tfl.LayersModel) =>
    Object.fromEntries(modelParameters(model).map(({ name, role }) => [name, role]));

  it('of the slopes of a PReLU is no kernel, whatever their rank, so that they are not in w', async () => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.conv2d({ inputShape: [4, 4, 1], filters: 2, kernelSize: 3, name: 'conv' }),
        tfl.layers.prelu({ name: 'slopes' }), // [2, 2, 2]
        tfl.layers.flatten(),
        tfl.layers.dense({ units: 2, name: 'dense' }),
      ],
    });
    expect(roles(model)).toEqual({
      'conv/kernel': 'kernel',
      'conv/bias': 'bias',
      'slopes/alpha': 'other',
      'dense/kernel': 'kernel',
      'dense/bias': 'bias',
    });
    expect((await weightNorms(model)).total.count).toBe(3 * 3 * 2 + 8 * 2);
    model.dispose();
  });

  it('of gamma and beta is batch normalization only beside running statistics', async () => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.dense({ inputShape: [3], units: 4, name: 'dense' }),
        tfl.layers.layerNormalization({ name: 'layer' }),
        tfl.layers.batchNormalization({ name: 'batch' }),
      ],
    });
    expect(roles(model)).toMatchObject({
      'layer/gamma': 'other',
      'layer/beta': 'other',
      'batch/gamma': 'batchNorm',
      'batch/beta': 'batchNorm',
    });
    model.dispose();
  });

  it('leaves the path norm out where a layer normalizes: squared parameters have no paths through it', async () => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.dense({ inputShape: [3], units: 4, name: 'dense' }),
        tfl.layers.layerNormalization({ name: 'layer' }),
        tfl.layers.dense({ units: 2 }),
      ],
    });
    const data = { xs: tf.ones([4, 3]), ys: [0, 1, 0, 1] };
    const { measures, warnings } = await normMeasures(model, data);
    expect(measures.PATH_NORM.raw).toBeNull();
    expect(warnings.join()).toContain(
      'PATH_NORM is null: the normalization of layer/gamma is not folded into a kernel',
    );
    model.dispose();
  });
});
