import { FakeQuant, freezeKernels, freezeSteps, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import {
  model as functional,
  input,
  type LayersModel,
  layers,
  loadLayersModel,
  type RNN,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { saved } from '../saved';

beforeAll(() => useBackend('cpu'));

const x = () => tf.randomNormal([16, 3], 0, 1, 'float32', 1);
const y = () => tf.ones([16, 2]);
const loss = (model: LayersModel) =>
  tf.losses.meanSquaredError(y(), model.apply(x(), { training: true }) as tf.Tensor) as tf.Scalar;

const plain = () =>
  sequential({
    layers: [
      layers.dense({ name: 'a', units: 4, inputShape: [3], activation: 'relu' }),
      new FakeQuant({ name: 'quant', bits: 4, signed: false, stepScale: 'absolute' }),
      layers.dense({ name: 'b', units: 2 }),
    ],
  });

const quantized = () => quantizeModel(plain(), { bits: 3, activations: 4, stepScale: 'absolute' });

/**
 * The names of the weights that some training changes. A first batch with a rate of 0 starts the steps of activations.
 * In every way the first three updates are by SGD and the rest by Adam, whose moments would move what merely has no
 * gradient.
 */
type Way = (model: LayersModel) => Promise<void>;

const compile = (model: LayersModel, optimizer: tf.Optimizer) => model.compile({ optimizer, loss: 'meanSquaredError' });

const ways: Readonly<Record<string, (freeze: (model: LayersModel) => void) => Way>> = {
  'fit, frozen before compile': (freeze) => async (model) => {
    freeze(model);
    for (const optimizer of [tf.train.sgd(0.1), tf.train.adam(0.01)]) {
      compile(model, optimizer);
      await model.fit(x(), y(), { epochs: 3, verbose: 0 });
    }
  },
  'fit, frozen after compile': (freeze) => async (model) => {
    compile(model, tf.train.adam(0.01));
    freeze(model);
    await model.fit(x(), y(), { epochs: 6, verbose: 0 });
  },
  'minimize without a list, frozen before compile': (freeze) => async (model) => {
    freeze(model);
    compile(model, tf.train.sgd(0.1));
    minimize(model);
  },
  'minimize without a list, frozen after compile': (freeze) => async (model) => {
    compile(model, tf.train.sgd(0.1));
    freeze(model);
    minimize(model);
  },
  'minimize without a list, never compiled': (freeze) => async (model) => {
    freeze(model);
    minimize(model);
  },
};

function minimize(model: LayersModel): void {
  for (const optimizer of [tf.train.sgd(0.1), tf.train.adam(0.01)])
    for (let update = 0; update < 3; update++) optimizer.minimize(() => loss(model));
}

async function trained(model: LayersModel, way: Way): Promise<string[]> {
  // Starts the steps of activations and leaves everything else as it is.
  tf.tidy(() => void model.apply(x(), { training: true }));
  const values = () =>
    model.weights.map((weight) => [weight.originalName, [...weight.read().dataSync()].join()] as const);
  const before = new Map(values());
  await way(model);
  return values()
    .filter(([name, value]) => before.get(name) !== value)
    .map(([name]) => name)
    .sort();
}

const everything = [
  'a/bias',
  'a/kernel',
  'a/kernel_step',
  'b/bias',
  'b/input_step',
  'b/kernel',
  'b/kernel_step',
  'quant/step',
];

describe.each(Object.entries(ways))('in %s', (_, way) => {
  it('nothing is frozen unless asked for', async () => {
    expect(
      await trained(
        await quantized(),
        way(() => {}),
      ),
    ).toEqual(everything);
  });

  it('freezeSteps stops every step, of kernels and of activations, and nothing else', async () => {
    const names = await trained(
      await quantized(),
      way((model) => freezeSteps(model)),
    );
    expect(names).toEqual(['a/bias', 'a/kernel', 'b/bias', 'b/kernel']);
  });

  it('freezeKernels stops the kernels and nothing else', async () => {
    const names = await trained(
      await quantized(),
      way((model) => freezeKernels(model)),
    );
    expect(names).toEqual(['a/bias', 'a/kernel_step', 'b/bias', 'b/input_step', 'b/kernel_step', 'quant/step']);
  });

  it('layer.trainable = false stops all of a layer: kernel, bias, its step and that of its input', async () => {
    const freeze = (model: LayersModel) => {
      model.getLayer('b').trainable = false;
    };
    expect(await trained(await quantized(), way(freeze))).toEqual([
      'a/bias',
      'a/kernel',
      'a/kernel_step',
      'quant/step',
    ]);
  });

  it('so it does for a FakeQuant layer', async () => {
    const freeze = (model: LayersModel) => {
      model.getLayer('quant').trainable = false;
    };
    expect(await trained(await quantized(), way(freeze))).toEqual(everything.filter((name) => name !== 'quant/step'));
  });

  it('and for layers that keep their weights in others: recurrent and wrapped ones', async () => {
    const recurrent = (name: string) =>
      layers.simpleRNN({ name, units: 2, recurrentInitializer: 'glorotUniform', returnSequences: true });
    const model = await quantizeModel(
      sequential({
        layers: [
          layers.reshape({ targetShape: [3, 1], inputShape: [3] }),
          recurrent('rnn'),
          layers.bidirectional({ name: 'both', layer: recurrent('inner') as RNN, mergeMode: 'concat' }),
          layers.timeDistributed({ name: 'each', layer: layers.dense({ name: 'dense', units: 2 }) }),
          layers.flatten(),
          layers.dense({ name: 'head', units: 2 }),
        ],
      }),
      { bits: 4, activations: 4, stepScale: 'absolute' },
    );
    const freeze = (model: LayersModel) => {
      for (const name of ['rnn', 'both', 'each']) model.getLayer(name).trainable = false;
    };
    const names = await trained(model, way(freeze));
    expect(names).toEqual(['head/bias', 'head/input_step', 'head/kernel', 'head/kernel_step']);
  });
});

describe('what was frozen in the float model stays so', () => {
  const nested = (base: LayersModel) => {
    const x = input({ shape: [3] });
    const head = layers.dense({ name: 'head', units: 2 }).apply(base.apply(x)) as SymbolicTensor;
    return functional({ inputs: x, outputs: head });
  };
  const base = () => {
    const model = plain();
    model.trainable = false;
    return model;
  };
  const options = { bits: 3, activations: 4, stepScale: 'absolute' } as const;
  const head = ['head/bias', 'head/input_step', 'head/kernel', 'head/kernel_step'];

  it.each([
    ['a Sequential in a functional model', () => nested(base())],
    [
      'a Sequential in a Sequential',
      () => sequential({ layers: [base(), layers.dense({ name: 'head', units: 2 })] as layers.Layer[] }),
    ],
    [
      'a Sequential in a model in a Sequential',
      () => {
        const x = input({ shape: [3] });
        const middle = functional({ inputs: x, outputs: base().apply(x) as SymbolicTensor });
        middle.trainable = false;
        return sequential({ layers: [middle, layers.dense({ name: 'head', units: 2 })] as layers.Layer[] });
      },
    ],
  ])('%s, in fit and in minimize without a list', async (_, build) => {
    for (const [how, way] of Object.entries(ways)) {
      const model = await quantizeModel(build(), options);
      expect(model.trainableWeights.map(({ originalName }) => originalName).sort()).toEqual(head);
      expect(
        await trained(
          model,
          way(() => {}),
        ),
        how,
      ).toEqual(head);
    }
  });

  it('a wrapped layer in a frozen Sequential', async () => {
    const frozen = sequential({
      layers: [
        layers.reshape({ targetShape: [3, 1], inputShape: [3] }),
        layers.timeDistributed({ name: 'each', layer: layers.dense({ units: 2 }) }),
        layers.flatten(),
      ],
    });
    frozen.trainable = false;
    const model = await quantizeModel(nested(frozen), options);
    expect(await trained(model, async (model) => minimize(model))).toEqual(head);
  });

  it('a layer, and one whose every weight was frozen by itself', async () => {
    const model = nested(plain());
    (model.layers[1] as LayersModel).getLayer('a').trainable = false;
    for (const weight of model.getLayer('head').weights) weight.trainable = false;
    const copy = await quantizeModel(model, options);
    const rest = ['b/bias', 'b/input_step', 'b/kernel', 'b/kernel_step', 'quant/step'];
    expect(copy.trainableWeights.map(({ originalName }) => originalName).sort()).toEqual(rest);
    expect(await trained(copy, async (copy) => minimize(copy))).toEqual(rest);
  });

  it('until the nested model is let go', async () => {
    const model = await quantizeModel(sequential({ layers: [base()] as layers.Layer[] }), options);
    (model.layers[0] as LayersModel).trainable = true;
    expect(await trained(model, async (model) => minimize(model))).toEqual(everything);
  });
});

it('a kernel that is frozen by itself stops its step', async () => {
  const model = await quantized();
  const names = await trained(model, async (model) => {
    model.getLayer('b').weights[0]!.trainable = false;
    minimize(model);
  });
  expect(names).toEqual(['a/bias', 'a/kernel', 'a/kernel_step', 'b/bias', 'b/input_step', 'quant/step']);
});

it('both learn again when they are let go and the model is compiled', async () => {
  const model = await quantized();
  freezeSteps(model);
  freezeKernels(model);
  freezeSteps(model, false);
  freezeKernels(model, false);
  expect(
    await trained(
      model,
      ways['fit, frozen before compile']!(() => {}),
    ),
  ).toEqual(everything);
});

it('what is frozen is so in a saved and loaded model, with the same number of weights', async () => {
  for (const stepScale of ['absolute', 'relative'] as const) {
    const model = await quantizeModel(plain(), { bits: 3, activations: 4, stepScale });
    freezeSteps(model);
    const loaded = await loadLayersModel(tf.io.fromMemory(await saved(model)));
    expect(loaded.weights).toHaveLength(model.weights.length);
    const names = await trained(
      loaded,
      ways['minimize without a list, never compiled']!(() => {}),
    );
    expect(names.filter((name) => /step/.test(name))).toEqual([]);
  }
});

it('the start of a relative step is never trained', async () => {
  const model = await quantizeModel(plain(), { bits: 3, activations: { bits: 4, offset: true } });
  for (const way of Object.values(ways))
    expect(
      (
        await trained(
          model,
          way(() => {}),
        )
      ).filter((name) => /initial/.test(name)),
    ).toEqual([]);
  expect(model.weights.filter(({ originalName }) => /initial_step/.test(originalName))).toHaveLength(3);
});

it('freezing changes no order: getWeights of a frozen layer are those that setWeights of another takes', async () => {
  for (const stepScale of ['absolute', 'relative'] as const)
    for (const freeze of [
      freezeSteps,
      (model: LayersModel) => {
        for (const layer of model.layers) layer.trainable = false;
      },
    ]) {
      const float = sequential({
        layers: [
          layers.dense({ name: 'a', units: 4, inputShape: [3], activation: 'relu' }),
          new FakeQuant({ name: 'quant', bits: 4, offset: true, stepScale }),
          layers.dense({ name: 'b', units: 2 }),
        ],
      });
      const options = { bits: 3, activations: { bits: 4, offset: true, modelInput: true }, stepScale } as const;
      const [frozen, other] = [await quantizeModel(float, options), await quantizeModel(float, options)];
      compile(frozen, tf.train.sgd(0.1));
      await frozen.fit(x(), y(), { epochs: 3, verbose: 0 });
      freeze(frozen);
      frozen.layers.forEach((layer, i) => void other.layers[i]!.setWeights(layer.getWeights()));
      expect((other.predict(x()) as tf.Tensor).arraySync()).toEqual((frozen.predict(x()) as tf.Tensor).arraySync());
    }
});

describe('refused are', () => {
  it('a model without steps', () => {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
    expect(() => freezeSteps(model)).toThrow(/freezeSteps: the model has no steps; pass it to quantizeModel first/);
    expect(() => freezeKernels(model)).toThrow(/freezeKernels: the model has no quantized kernels/);
  });

  it.each([
    ['what is no model', () => freezeSteps(null as never), /freezeSteps: model must be a LayersModel .*, got null/],
    ['what is no model', () => freezeKernels('a' as never), /freezeKernels: model must be a LayersModel .*, got 'a'/],
    [
      'a word for yes',
      async () => freezeSteps(await quantized(), 'yes' as never),
      /freezeSteps: frozen must be true or false, got 'yes'/,
    ],
    [
      'a word for yes',
      async () => freezeKernels(await quantized(), 'yes' as never),
      /freezeKernels: frozen must be true or false/,
    ],
  ])('%s', async (_, call, message) => {
    const error = await (async () => call())().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(message);
  });
});
