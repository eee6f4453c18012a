import { distill, expandSoftLabels, quantizeModel, sharpnessAware, softLabels } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import {
  type LayersModel,
  layers,
  model,
  type SymbolicTensor,
  sequential,
  input as tfInput,
} from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { goldenJson } from '../../../../test/goldens';

interface Distillation {
  readonly id: string;
  readonly shape: [number, number];
  readonly temperature: number;
  readonly student: number[];
  readonly teacher: number[];
  readonly labels: number[];
  readonly alpha: number;
  readonly scaledCrossEntropy: number;
  readonly hardCrossEntropy: number;
  readonly mixed: number;
  readonly dStudentMixed: number[];
}

interface SoftLabels {
  readonly id: string;
  readonly shape: [number, number];
  readonly k: number;
  readonly indices: number[];
  readonly values: number[];
  readonly smoothing: number[];
  readonly renormalized: number[];
  readonly student?: number[];
  readonly softCrossEntropy?: number;
  readonly dStudent?: number[];
}

const distillations = (await goldenJson<{ cases: Distillation[] }>('recipes/distillation.json'))?.cases ?? [];
const expansions = (await goldenJson<{ cases: SoftLabels[] }>('recipes/soft-labels.json'))?.cases ?? [];

/** Ends in logits or in a softmax; its kernel is the identity, so that its logits are its input. */
function identity(classes: number, softmax: boolean): LayersModel {
  const student = sequential({
    layers: [
      layers.dense({
        units: classes,
        useBias: false,
        activation: softmax ? 'softmax' : 'linear',
        kernelInitializer: 'identity',
        inputShape: [classes],
      }),
    ],
  });
  return student;
}

type Loss = (targets: tf.Tensor, outputs: tf.Tensor) => tf.Tensor;

const near = async (actual: tf.Tensor, expected: readonly number[], tolerance: number, where: string) => {
  const values = await actual.data();
  expected.forEach((value, i) => void expect(Math.abs(values[i]! - value), where).toBeLessThan(tolerance));
};

describe.each(backends)('distillation on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('losses and gradients are the reference’s, from logits and from a softmax', async () => {
    for (const golden of distillations)
      for (const softmax of [false, true])
        for (const targets of ['logits', 'probabilities'] as const) {
          const { shape, temperature, alpha } = golden;
          const where = `${golden.id}, ${softmax ? 'softmax' : 'logits'}, ${targets}`;
          const training = distill(identity(shape[1], softmax), { temperature, alpha, targets });
          training.compile({ optimizer: tf.train.sgd(0) });
          const z = tf.tensor2d(golden.student, shape);
          const labels = tf.oneHot(tf.tensor1d(golden.labels, 'int32'), shape[1]);
          const logits = tf.tensor2d(golden.teacher, shape);
          const teacher = targets === 'logits' ? logits : tf.softmax(tf.div(logits, temperature));
          const [total, hard, soft] = (await training.trainOnBatch(z, [labels, teacher])) as number[];
          const expected = [golden.mixed, (1 - alpha) * golden.hardCrossEntropy, alpha * golden.scaledCrossEntropy];
          [total, hard, soft].forEach(
            (value, i) => void expect(Math.abs(value! - expected[i]!) / expected[0]!, where).toBeLessThan(1e-5),
          );
          const [hardLoss, softLoss] = training.loss as Loss[];
          const outputs = (each: tf.Tensor) => (softmax ? tf.softmax(each as tf.Tensor2D) : each);
          const gradient = tf.grad((each) =>
            tf.add(tf.mean(hardLoss!(labels, outputs(each))), softLoss!(teacher, outputs(each))),
          )(z);
          await near(gradient, golden.dStudentMixed, 2e-6 * Math.max(1, temperature), where);
        }
  });

  it('soft labels expand as the reference’s, and never to a negative probability', async () => {
    for (const { id, shape, k, values, indices, ...golden } of expansions) {
      const top = { values: tf.tensor2d(values, [shape[0], k]), indices: tf.tensor2d(indices, [shape[0], k], 'int32') };
      await near(expandSoftLabels(top, shape[1], 'smoothing'), golden.smoothing, 1e-6, id);
      await near(expandSoftLabels(top, shape[1], 'renormalized'), golden.renormalized, 1e-6, id);
      if (!golden.student) continue;
      const training = distill(identity(shape[1], false), { targets: 'probabilities' });
      training.compile({ optimizer: tf.train.sgd(0) });
      const soft = (training.loss as Loss[])[1]!;
      const z = tf.tensor2d(golden.student, shape);
      const { value, grad } = tf.valueAndGrad((each) => soft(expandSoftLabels(top, shape[1]), each))(z);
      await near(value, [golden.softCrossEntropy!], 2e-5, id);
      await near(grad, golden.dStudent!, 1e-6, id);
    }
  });

  it('soft labels are the teacher’s probabilities, batch by batch, whole or the largest of them', async () => {
    const z = tf.tensor2d([1, 2, 0, -1, 3, 3.5], [2, 3]);
    for (const softmax of [false, true]) {
      const teacher = identity(3, softmax);
      // softmax([1, 2, 0] / 2) = [e^.5, e^1, 1] / (e^.5 + e^1 + 1)
      const sum = Math.exp(0.5) + Math.exp(1) + 1;
      const whole = await softLabels(teacher, z, { temperature: 2, batchSize: 1 });
      expect(whole.shape).toEqual([2, 3]);
      await near(whole, [Math.exp(0.5) / sum, Math.exp(1) / sum, 1 / sum], 1e-6, 'whole');
      const { values, indices } = await softLabels(teacher, z, { temperature: 2, topK: 2 });
      expect(await indices.array()).toEqual([
        [1, 0],
        [2, 1],
      ]);
      await near(values, [Math.exp(1) / sum, Math.exp(0.5) / sum], 1e-6, 'the largest');
      const leaked = await leakedTensors(async () =>
        tf.dispose(Object.values(await softLabels(teacher, z, { topK: 1 }))),
      );
      expect(leaked).toBe(0);
    }
  });

  it('a quantized student learns from labels and a teacher in fit, also sharpness-aware', async () => {
    const plain = sequential({
      layers: [
        layers.dense({ name: 'a', units: 8, activation: 'relu', inputShape: [4] }),
        layers.dense({ name: 'b', units: 3 }),
      ],
    });
    const student = await quantizeModel(plain, { bits: 4 });
    const x = tf.randomNormal([16, 4], 0, 1, 'float32', 3);
    const labels = tf.oneHot(
      tf.tensor1d(
        Array.from({ length: 16 }, (_, i) => i % 3),
        'int32',
      ),
      3,
    );
    const teacher = tf.mul(tf.cast(labels, 'float32'), 4);
    const training = distill(student, { temperature: 2, alpha: 0.5 });
    training.compile({ optimizer: sharpnessAware(training, tf.train.adam(0.02)), metrics: ['accuracy'] });
    await training.fit(x, [labels, teacher], { epochs: 1, verbose: 0 });
    let history: number[] = [];
    const leaked = await leakedTensors(async () => {
      const fitted = await training.fit(x, [labels, teacher], { epochs: 30, batchSize: 8, verbose: 0 });
      history = fitted.history.loss as number[];
      expect(Object.keys(fitted.history).filter((key) => key.endsWith('acc'))).toHaveLength(2);
    });
    expect(leaked).toBe(0);
    expect(history.at(-1)!).toBeLessThan(history[0]! * 0.8);
  });
});

describe('distillation', () => {
  beforeAll(() => useBackend('cpu'));

  it('rejects what does not fit', async () => {
    const student = identity(3, false);
    expect(() => distill(student, { temperature: 0 })).toThrow('distill: temperature must be positive, got 0');
    expect(() => distill(student, { alpha: 2 })).toThrow('distill: alpha must lie from 0 to 1, got 2');
    expect(() => distill(student, { targets: 'labels' as 'logits' })).toThrow(
      "distill: targets must be 'logits' or 'probabilities'",
    );
    expect(() => distill(student, { hardLoss: 'mse' as never })).toThrow('distill: hardLoss must be a function');
    const regression = sequential({ layers: [layers.dense({ units: 1, activation: 'sigmoid', inputShape: [2] })] });
    expect(() => distill(regression)).toThrow('distill: the student must have one output for each class');
    const x = tf.zeros([2, 3]);
    await expect(softLabels(student, x, { topK: 4 })).rejects.toThrow(
      'softLabels: topK must be at most the 3 classes of the teacher, got 4',
    );
    await expect(softLabels(regression, tf.zeros([2, 2]))).rejects.toThrow(
      'softLabels: the teacher must have one output for each class',
    );
    await expect(softLabels({} as LayersModel, x)).rejects.toThrow('softLabels: teacher must be a LayersModel');
    expect(() => distill({} as LayersModel)).toThrow('distill: student must be a LayersModel');
    const [a, b] = [tfInput({ shape: [3] }), tfInput({ shape: [3] })];
    const two = model({ inputs: [a, b], outputs: layers.add().apply([a, b]) as SymbolicTensor });
    await expect(softLabels(two, x)).rejects.toThrow(
      'softLabels: xs must be an array of 2 tensors, one for each input, got',
    );
    const values = tf.zeros([2, 2]) as tf.Tensor2D;
    expect(() => expandSoftLabels({ values, indices: tf.zeros([2, 1]) }, 3)).toThrow(
      'must both have the shape [n, k], got [2,2] and [2,1]',
    );
    expect(() => expandSoftLabels({ values, indices: values }, 1)).toThrow(
      'there are 2 labels an example and 1 classes',
    );
    expect(() => expandSoftLabels({ values, indices: values }, 3, 'zero' as 'smoothing')).toThrow(
      "rest must be 'smoothing' or 'renormalized'",
    );
  });

  it('a teacher of other classes is refused before training starts', async () => {
    const student = identity(3, false);
    const training = distill(student);
    training.compile({ optimizer: tf.train.sgd(1) });
    const before = await student.getWeights()[0]!.data();
    await expect(training.fit(tf.zeros([2, 3]), [tf.zeros([2, 3]), tf.zeros([2, 5])], { verbose: 0 })).rejects.toThrow(
      /shape.*3.*5/,
    );
    expect(await student.getWeights()[0]!.data()).toEqual(before);
  });

  it('an abort stops soft labels and leaves nothing', async () => {
    const teacher = identity(3, false);
    const x = tf.zeros([64, 3]);
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    const leaked = await leakedTensors(() =>
      expect(softLabels(teacher, x, { batchSize: 8, signal: stop.signal, onProgress })).rejects.toThrow('enough'),
    );
    expect(leaked).toBe(0);
  });
});

describe('a distillation that is evaluated', () => {
  beforeAll(() => useBackend('cpu'));

  // p = softmax of the student's logits, all of it by hand: 0.5 CE + 0.5 CE of the teacher.
  it('gives the sum of both losses, then each, then each accuracy, and so does validation', async () => {
    const student = identity(2, false);
    const training = distill(student, { alpha: 0.5 });
    training.compile({ optimizer: tf.train.sgd(0), metrics: ['accuracy'] });
    const xs = tf.tensor2d([
      [0, 0],
      [Math.log(3), 0],
    ]);
    // Probabilities 1/2, 1/2 and 3/4, 1/4; labels 0 and 1; the teacher is even about both.
    const labels = tf.tensor2d([
      [1, 0],
      [0, 1],
    ]);
    const teacher = tf.zeros([2, 2]);
    const hard = 0.5 * ((Math.log(2) + Math.log(4)) / 2);
    const soft = 0.5 * ((Math.log(2) + (Math.log(4 / 3) + Math.log(4)) / 2) / 2);
    const expected = [hard + soft, hard, soft, 0.5, 1];
    const evaluated = training.evaluate(xs, [labels, teacher]) as tf.Scalar[];
    expect(evaluated).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) expect(evaluated[i]!.dataSync()[0]).toBeCloseTo(value, 6);
    const { history } = await training.fit(xs, [labels, teacher], {
      verbose: 0,
      validationData: [xs, [labels, teacher]],
    });
    const names = Object.keys(history).filter((name) => name.startsWith('val_'));
    expect(names.map((name) => history[name]![0])).toEqual(expected.map((value) => expect.closeTo(value, 6)));
    expect(history.val_loss![0]).toBeCloseTo(history.loss![0] as number, 6);
    const leaked = await leakedTensors(() => tf.dispose(training.evaluate(xs, [labels, teacher])));
    expect(leaked).toBe(0);
  });
});
