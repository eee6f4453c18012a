import { freezeKernels, quantizedWeights, quantizeModel, sharpnessAware } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import * as tfData from '@tensorflow/tfjs-data';
import {
  model as functional,
  input,
  type LayersModel,
  layers,
  loadLayersModel,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { saved } from '../saved';

const [EXAMPLES, FEATURES, CLASSES] = [8, 4, 3];

const x = () => tf.randomNormal([EXAMPLES, FEATURES], 0, 1, 'float32', 1);
const y = () => tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2, 0, 1], 'int32'), CLASSES);

const body = (name: string) => [
  layers.dense({ name: `${name}1`, units: 5, inputShape: [FEATURES] }),
  layers.batchNormalization({ name: `${name}norm` }),
  layers.activation({ activation: 'relu' }),
];
const head = (name: string) => layers.dense({ name, units: CLASSES, activation: 'softmax' });

const through = (each: readonly layers.Layer[], tensor: SymbolicTensor) =>
  each.reduce((inner, layer) => layer.apply(inner) as SymbolicTensor, tensor);

/** Models by how they are put together; two outputs share their first layers. */
const kinds: Readonly<Record<string, () => LayersModel>> = {
  sequential: () => sequential({ layers: [...body('a'), head('head')] }),
  functional: () => {
    const inputs = input({ shape: [FEATURES] });
    return functional({ inputs, outputs: through([...body('a'), head('head')], inputs) });
  },
  nested: () => sequential({ layers: [sequential({ name: 'inner', layers: body('a') }), head('head')] }),
  'two outputs': () => {
    const inputs = input({ shape: [FEATURES] });
    const inner = through(body('a'), inputs);
    return functional({ inputs, outputs: [head('head'), head('other')].map((each) => through([each], inner)) });
  },
  dropout: () => sequential({ layers: [...body('a'), layers.dropout({ rate: 0.5 }), head('head')] }),
  lstm: () =>
    sequential({
      layers: [
        layers.reshape({ targetShape: [2, 2], inputShape: [FEATURES] }),
        layers.lstm({ units: 3 }),
        head('head'),
      ],
    }),
};

const targets = (model: LayersModel) => (model.outputs.length > 1 ? [y(), y()] : y());

function compiled(model: LayersModel, wrap: (optimizer: tf.Optimizer) => tf.Optimizer): LayersModel {
  model.compile({
    optimizer: wrap(tf.train.momentum(0.05, 0.9)),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  });
  return model;
}

const valuesOf = async (model: LayersModel) =>
  Promise.all(model.weights.map(async (weight) => Array.from(await weight.read().data())));

const quantized = async (kind: string) => {
  const plain = kinds[kind]!();
  const model = await quantizeModel(plain, { bits: 3, firstLast: 'same' });
  plain.dispose();
  return model;
};

describe.each(backends)('sharpnessAware on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(Object.keys(kinds))('%s: as many numbers as without it, and the first ones the same', async (kind) => {
    if (kind === 'dropout') return;
    const plain = kinds[kind]!();
    const [one, other] = [await quantizeModel(plain, { bits: 3 }), await quantizeModel(plain, { bits: 3 })];
    compiled(one, (optimizer) => optimizer);
    compiled(other, (optimizer) => sharpnessAware(other, optimizer));
    const [inputs, labels] = [x(), targets(one)];
    expect(await other.trainOnBatch(inputs, labels)).toEqual(await one.trainOnBatch(inputs, labels));
    const { history } = await other.fit(inputs, labels, { batchSize: 4, epochs: 1, verbose: 0 });
    expect(Object.keys(history)).toEqual(
      Object.keys((await one.fit(inputs, labels, { batchSize: 4, epochs: 1, verbose: 0 })).history),
    );
  });

  it.each(Object.keys(kinds))('%s: moving averages move once a step', async (kind) => {
    const plain = kinds[kind]!();
    if (!plain.weights.some(({ originalName }) => originalName.includes('moving'))) return;
    const [one, other] = [await quantizeModel(plain, { bits: 3 }), await quantizeModel(plain, { bits: 3 })];
    compiled(one, (optimizer) => optimizer);
    compiled(other, (optimizer) => sharpnessAware(other, optimizer, { rho: 0.5 }));
    const [inputs, labels] = [x(), targets(one)];
    for (const model of [one, other]) await model.trainOnBatch(inputs, labels);
    const moving = async (model: LayersModel) =>
      Promise.all(
        model.weights
          .filter(({ originalName }) => originalName.includes('moving'))
          .map(async (weight) => Array.from(await weight.read().data())),
      );
    expect(await moving(other)).toEqual(await moving(one));
  });

  it.each(Object.keys(kinds))('%s: no tensor is left behind by 30 steps of any kind', async (kind) => {
    for (const perturb of ['latent', 'quantized'] as const) {
      const model = await quantized(kind);
      compiled(model, (optimizer) => sharpnessAware(model, optimizer, { perturb, adaptive: true }));
      const [inputs, labels] = [x(), targets(model)];
      await model.trainOnBatch(inputs, labels);
      await model.fit(inputs, labels, { batchSize: 4, epochs: 1, verbose: 0 });
      const leaked = await leakedTensors(async () => {
        for (let step = 0; step < 10; step++) await model.trainOnBatch(inputs, labels);
        await model.fit(inputs, labels, { batchSize: 4, epochs: 10, verbose: 0 });
      });
      expect(leaked, perturb).toBe(0);
      tf.dispose([inputs, labels]);
      model.dispose();
    }
  });
});

describe('sharpnessAware', () => {
  beforeAll(() => useBackend('cpu'));

  it('fitDataset does as trainOnBatch does, batch by batch', async () => {
    const plain = kinds.sequential!();
    const [one, other] = [await quantizeModel(plain, { bits: 3 }), await quantizeModel(plain, { bits: 3 })];
    for (const model of [one, other]) compiled(model, (optimizer) => sharpnessAware(model, optimizer, { rho: 0.5 }));
    const [inputs, labels] = [x(), y()];
    for (let step = 0; step < 3; step++) await one.trainOnBatch(inputs, labels);
    const batches = tfData.array([0, 1, 2]).map(() => ({ xs: tf.clone(inputs), ys: tf.clone(labels) }));
    await other.fitDataset(batches as Parameters<LayersModel['fitDataset']>[0], { epochs: 1, verbose: 0 });
    expect(await valuesOf(other)).toEqual(await valuesOf(one));
    expect(await valuesOf(other)).not.toEqual(await valuesOf(await quantizeModel(plain, { bits: 3 })));
  });

  it('no tensor is left behind by 1,000 steps', async () => {
    const model = await quantized('sequential');
    compiled(model, (optimizer) => sharpnessAware(model, optimizer, { perturb: 'quantized' }));
    const [inputs, labels] = [x(), y()];
    await model.trainOnBatch(inputs, labels);
    const leaked = await leakedTensors(async () => {
      for (let step = 0; step < 1000; step++) await model.trainOnBatch(inputs, labels);
    });
    expect(leaked).toBe(0);
  });

  it.each(['latent', 'quantized'] as const)(
    'a throw in the second pass leaves every weight as it was: %s',
    async (perturb) => {
      const model = await quantized('sequential');
      const optimizer = sharpnessAware(model, tf.train.sgd(0.1), { rho: 1, perturb });
      const [inputs, labels] = [x(), y()];
      let calls = 0;
      const loss = () => {
        if (++calls % 2 === 0) throw new Error('in the second pass');
        return tf.mean(tf.losses.softmaxCrossEntropy(labels, model.apply(inputs) as tf.Tensor)) as tf.Scalar;
      };
      const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
      const before = await valuesOf(model);
      const leaked = await leakedTensors(() => {
        for (let step = 0; step < 100; step++)
          expect(() => optimizer.minimize(loss, false, variables)).toThrow('in the second pass');
      });
      expect(leaked).toBe(0);
      expect(await valuesOf(model)).toEqual(before);
      expect(optimizer.iterations).toBe(0);
    },
  );

  it('a throw in the first pass too', async () => {
    const model = await quantized('sequential');
    const optimizer = sharpnessAware(model, tf.train.sgd(0.1), { perturb: 'quantized' });
    const before = await valuesOf(model);
    const fails = () => {
      throw new Error('in the first pass');
    };
    expect(await leakedTensors(() => expect(() => optimizer.minimize(fails)).toThrow('in the first pass'))).toBe(0);
    expect(await valuesOf(model)).toEqual(before);
    const [inputs, labels] = [x(), y()];
    compiled(model, () => optimizer);
    await model.trainOnBatch(inputs, labels);
  });

  it('a disposed model is refused by its own error, and nothing leaks', async () => {
    const model = compiled(await quantized('sequential'), (optimizer) => optimizer);
    compiled(model, (optimizer) => sharpnessAware(model, optimizer));
    const [inputs, labels] = [x(), y()];
    await model.trainOnBatch(inputs, labels);
    model.dispose();
    const leaked = await leakedTensors(() => expect(model.trainOnBatch(inputs, labels)).rejects.toThrow('disposed'));
    expect(leaked).toBe(0);
  });

  it('a loop of its own, with a list of variables and without one, does as fit does', async () => {
    const plain = kinds.sequential!();
    const reference = await quantizeModel(plain, { bits: 3 });
    compiled(reference, (optimizer) => sharpnessAware(reference, optimizer));
    const [inputs, labels] = [x(), y()];
    for (let step = 0; step < 3; step++) await reference.trainOnBatch(inputs, labels);
    const expected = await valuesOf(reference);
    for (const listed of [true, false]) {
      const model = await quantizeModel(plain, { bits: 3 });
      const optimizer = sharpnessAware(model, tf.train.momentum(0.05, 0.9));
      const variables = listed ? model.trainableWeights.map((weight) => weight.read() as tf.Variable) : undefined;
      for (let step = 0; step < 3; step++)
        optimizer.minimize(
          () => {
            const p = model.apply(inputs, { training: true }) as tf.Tensor;
            return tf.neg(tf.mean(tf.sum(tf.mul(labels, tf.log(tf.clipByValue(p, 1e-7, 1 - 1e-7))), 1))) as tf.Scalar;
          },
          false,
          variables,
        );
      const actual = await valuesOf(model);
      actual.forEach(
        (values, i) => void values.forEach((value, j) => void expect(value).toBeCloseTo(expected[i]![j]!, 5)),
      );
    }
  });

  it('a model is saved with the optimizer that it was made from, which loads', async () => {
    const model = await quantized('sequential');
    model.compile({ optimizer: sharpnessAware(model, tf.train.adam(1e-3)), loss: 'categoricalCrossentropy' });
    const [inputs, labels] = [x(), y()];
    await model.trainOnBatch(inputs, labels);
    const loaded = await loadLayersModel(tf.io.fromMemory(await saved(model, true)));
    expect(loaded.optimizer.getClassName()).toBe('Adam');
    expect(loaded.optimizer.iterations).toBe(1);
    // From here on without the second pass: the same loss, as both models are at the same point.
    expect(await loaded.trainOnBatch(inputs, labels)).toBeCloseTo(
      (await model.trainOnBatch(inputs, labels)) as number,
      6,
    );
  });

  it('the learning rate can be set on it, and on the optimizer that it was made from', async () => {
    const model = await quantized('sequential');
    const base = tf.train.adam(1e-3);
    const optimizer = sharpnessAware(model, base);
    (optimizer as unknown as { learningRate: number }).learningRate = 0;
    expect((base as unknown as { learningRate: number }).learningRate).toBe(0);
    compiled(model, () => optimizer);
    const trained = () => Promise.all(model.trainableWeights.map((weight) => weight.read().array()));
    const before = await trained();
    const [inputs, labels] = [x(), y()];
    await model.trainOnBatch(inputs, labels);
    expect(await trained()).toEqual(before);
    expect(base.iterations).toBe(1);
  });

  it('a frozen kernel is neither trained nor perturbed', async () => {
    const model = await quantized('sequential');
    freezeKernels(model);
    const optimizer = sharpnessAware(model, tf.train.sgd(0.1), { perturb: 'quantized', rho: 10 });
    const [kernel] = quantizedWeights(model);
    const before = Array.from(kernel!.latent.dataSync());
    let seen: number[][] = [];
    const [inputs, labels] = [x(), y()];
    optimizer.minimize(() => {
      seen = [...seen, Array.from(kernel!.latent.dataSync())];
      return tf.mean(tf.losses.softmaxCrossEntropy(labels, model.apply(inputs) as tf.Tensor)) as tf.Scalar;
    });
    expect(seen).toEqual([before, before]);
    expect(Array.from(kernel!.latent.dataSync())).toEqual(before);
  });

  it('a parameter that the loss does not depend on in a pass is put back all the same', async () => {
    const model = kinds.sequential!();
    const w = tf.variable(tf.scalar(1));
    const optimizer = sharpnessAware(model, tf.train.sgd(1e-30), { rho: 0.5 });
    const other = tf.variable(tf.scalar(1));
    let calls = 0;
    optimizer.minimize(() => (++calls === 1 ? tf.square(w) : tf.square(other)) as tf.Scalar, false, [w, other]);
    expect(w.dataSync()[0]).toBe(1);
  });

  it('rejects what does not fit', async () => {
    const model = await quantized('sequential');
    const sgd = tf.train.sgd(0.1);
    expect(() => sharpnessAware(kinds.sequential!(), sgd, { perturb: 'quantized' })).toThrow(
      "sharpnessAware: perturb: 'quantized' needs quantized kernels, and the model has none; pass it to quantizeModel first",
    );
    expect(() => sharpnessAware(model, sgd, { rho: 0 })).toThrow('sharpnessAware: rho must be positive, got 0');
    expect(() => sharpnessAware(model, sgd, { eta: 0.1 })).toThrow('sharpnessAware: eta belongs to adaptive: true');
    expect(() => sharpnessAware(model, sgd, { adaptive: true, eta: -1 })).toThrow(
      'eta must be a finite number of 0 or more',
    );
    expect(() => sharpnessAware(model, sgd, { perturb: 'codes' as 'latent' })).toThrow(
      "perturb must be 'latent' or 'quantized'",
    );
    expect(() => sharpnessAware(model, sgd, { step: true } as object)).toThrow(
      "there is no option 'step'; did you mean 'steps'?",
    );
    expect(() => sharpnessAware(model, 'sgd' as unknown as tf.Optimizer)).toThrow(
      "sharpnessAware: optimizer must be a tf.Optimizer, as tf.train.adam(1e-3), got 'sgd'",
    );
    expect(() => sharpnessAware(model, sharpnessAware(model, sgd))).toThrow('is sharpness-aware already');
    expect(() => sharpnessAware({} as LayersModel, sgd)).toThrow('sharpnessAware: model must be a LayersModel');
    const stateful = sequential({
      layers: [
        layers.bidirectional({
          layer: layers.gru({ units: 2, stateful: true }) as never,
          batchInputShape: [1, 3, 2],
          name: 'both',
        } as never),
      ],
    });
    expect(() => sharpnessAware(stateful, sgd)).toThrow('sharpnessAware: layer both is stateful');
  });
});
