import {
  attentionHeads,
  dequantizeModel,
  exportQuantized,
  loadQuantized,
  quantizedWeights,
  quantizeModel,
  vvtq,
} from '@qgen/lsq';
import { samSharpness } from '@qgen/measures';
import { deit, swin } from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from './backends';

const CLASSES = 4;

const transformers = {
  deit: () => deit({ inputShape: [8, 8, 3], classes: CLASSES, patch: 4, embed: 12, depth: 2, heads: 3 }),
  swin: () =>
    swin({ inputShape: [16, 16, 3], classes: CLASSES, patch: 4, embed: 8, depths: [1, 1], heads: [2, 4], window: 2 }),
} as const;

const data = (side: number) => ({
  xs: tf.randomNormal([16, side, side, 3], 0, 1, 'float32', 1) as tf.Tensor4D,
  labels: tf.oneHot(
    tf.tensor1d(
      Array.from({ length: 16 }, (_, i) => i % CLASSES),
      'int32',
    ),
    CLASSES,
  ),
});

describe.each(backends)('vvtq on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(['deit', 'swin'] as const)(
    'quantizes, distills and regularizes %s, which then learns, exports and comes back',
    async (name) => {
      const float = transformers[name]();
      const { xs, labels } = data(float.inputs[0]!.shape[1]!);
      const { model, training, callbacks, regularizer, teacherLabels } = await vvtq(float, {
        bits: 2,
        activations: 4,
        epochs: 4,
      });
      const steps = new Map(quantizedWeights(model).map(({ layer, step, bits }) => [layer, { size: step.size, bits }]));
      if (name === 'deit') {
        for (const part of ['q', 'k', 'v', 'proj'])
          expect(steps.get(`blocks.1.attn.${part}`)).toEqual({ size: 3, bits: 2 });
        expect(steps.get('blocks.0.mlp.fc1')).toEqual({ size: 1, bits: 2 });
      } else {
        expect(steps.get('features.1.0.attn.q')).toEqual({ size: 2, bits: 2 });
        expect(steps.get('features.3.0.attn.proj')).toEqual({ size: 4, bits: 2 });
      }
      expect(steps.get('head')).toEqual({ size: 1, bits: 8 });
      const targets = await teacherLabels(xs);
      training.compile({ optimizer: tf.train.adam(0.002), metrics: ['accuracy'] });
      const { history } = await training.fit(xs, [labels, targets], { epochs: 1, batchSize: 8, verbose: 0, callbacks });
      expect(Number.isFinite(history.loss![0] as number)).toBe(true);
      const leaked = await leakedTensors(() =>
        training.fit(xs, [labels, targets], { epochs: 4, initialEpoch: 1, batchSize: 8, verbose: 0, callbacks }),
      );
      expect(leaked).toBe(0);
      // Of four epochs the last is number 3: 0.01 (1 - cos(π (3 - 1) / (4 - 1))) / 2
      expect(regularizer.weight).toBeCloseTo((0.01 * (1 - Math.cos((Math.PI * 2) / 3))) / 2, 12);
      const expected = await (model.predict(xs) as tf.Tensor).data();
      const plain = await dequantizeModel(model);
      expect(await (plain.predict(xs) as tf.Tensor).data()).toEqual(expected);
      const unpacked = await loadQuantized(tf.io.fromMemory(await exportQuantized(model, { format: 'packed' })));
      expect(await (unpacked.predict(xs) as tf.Tensor).data()).toEqual(expected);
    },
  );
});

describe('vvtq', () => {
  beforeAll(() => useBackend('wasm'));

  it('a model with steps by heads can be measured, and is as it was', async () => {
    const model = await quantizeModel(transformers.deit(), { bits: 4, groups: attentionHeads(transformers.deit()) });
    const { xs, labels } = data(8);
    const weights = () => Promise.all(model.weights.map(async (weight) => Array.from(await weight.read().data())));
    const before = await weights();
    const ys = tf.argMax(labels as tf.Tensor2D, 1) as tf.Tensor1D;
    const leaked = await leakedTensors(async () => {
      const { value, loss } = await samSharpness(model, { xs, ys });
      expect(value).toBeGreaterThan(0);
      expect(loss).toBeGreaterThan(0);
    });
    expect(leaked).toBe(0);
    expect(await weights()).toEqual(before);
  });

  it('rejects a teacher of other classes, and what does not fit, before anything is trained', async () => {
    const float = transformers.deit();
    const teacher = sequential({ layers: [layers.flatten({ inputShape: [8, 8, 3] }), layers.dense({ units: 5 })] });
    await expect(vvtq(float, { bits: 2, epochs: 4, teacher })).rejects.toThrow(
      'vvtq: the model has 4 classes and the teacher 5',
    );
    await expect(vvtq(float, { bits: 2, epochs: 4, teacher: {} as never })).rejects.toThrow(
      'vvtq: teacher must be a LayersModel',
    );
    await expect(vvtq(float, { bits: 2, epochs: 0 })).rejects.toThrow('vvtq: epochs must be a positive integer, got 0');
    await expect(vvtq(float, { bits: 2 } as never)).rejects.toThrow('vvtq: epochs must be positive, got undefined');
    await expect(vvtq(float, { bits: 2, epochs: 4, weight: -1 })).rejects.toThrow(
      'vvtq: weight must be a finite number of 0 or more, got -1',
    );
    const regression = sequential({ layers: [layers.dense({ units: 1, inputShape: [3] })] });
    const leaked = await leakedTensors(() =>
      expect(vvtq(regression, { bits: 2, epochs: 4 })).rejects.toThrow('distill: the model returns one number'),
    );
    expect(leaked).toBe(0);
    await expect(vvtq(float, { bits: 2, epochs: 4, groups: { count: 5, axis: 1 } })).rejects.toThrow(
      'groups.count must divide',
    );
    await expect(vvtq(float, { bits: 2, epochs: 4, weigth: 1 } as never)).rejects.toThrow(
      "there is no option 'weigth'; did you mean 'weight'?",
    );
  });
});
