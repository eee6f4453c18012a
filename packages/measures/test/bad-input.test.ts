import { shown } from '@qgen/core';
import {
  type Data,
  findAlpha,
  findSigma,
  generalizationGap,
  lossLandscape,
  MEASURE_IDS,
  type ModelLike,
  measureFlatness,
  measuresFromScales,
  normMeasures,
  type Snapshot,
  snapshot,
  trajectory,
  weightNorms,
} from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../test/backends';
import { smallData, smallNet, weightBytes } from './interruption';

beforeAll(() => useBackend('cpu'));

type Verb = (model: ModelLike, data: Data, options?: object) => Promise<unknown>;
const onData: Record<string, Verb> = {
  findSigma,
  findAlpha,
  generalizationGap: (model, data, options) => generalizationGap(model, data, data, options),
  lossLandscape: (model, data, options) => lossLandscape(model, data, { x: [0], ...options }),
  normMeasures,
  measureFlatness: (model, data, options) =>
    measureFlatness(model, data, { measures: ['pacBayes.flatness'], ...options }),
};
const onWeights: Record<string, Verb> = {
  weightNorms: (model, _, options) => weightNorms(model, options),
  snapshot: (model) => snapshot(model),
};

const twoInputs = () => {
  const inputs = [tfl.input({ shape: [2] }), tfl.input({ shape: [2] })];
  const outputs = tfl.layers.dense({ units: 2 }).apply(tfl.layers.add().apply(inputs)) as tfl.SymbolicTensor;
  return tfl.model({ inputs, outputs });
};
const disposed = () => {
  const model = smallNet();
  model.dispose();
  return model;
};
const variable = tf.variable(tf.ones([2, 2]), true, 'w');
const forward = (x: tf.Tensor) => x;

describe.each(Object.entries({ ...onData, ...onWeights }))('%s refuses as a model', (name, verb) => {
  it.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, 'a model is a LayersModel or { forward, variables }, got undefined'],
    ['null', () => null, 'got null'],
    ['a string', () => 'model.json', "got 'model.json'"],
    ['a promise of one', () => Promise.resolve(smallNet()), 'got an object'],
    ['a function', () => forward, 'got a function'],
    ['one without variables', () => ({ forward }), 'got an object'],
    ['variables that are none', () => ({ forward, variables: [1] }), 'variables must be of tf.Variable'],
    ['tensors as variables', () => ({ forward, variables: [tf.ones([2])] }), 'variables must be of tf.Variable'],
    ['a variable twice', () => ({ forward, variables: [variable, variable] }), 'the model lists its variable w twice'],
    ['no variable', () => ({ forward, variables: [] }), 'no parameter is in scope; the model has no variables'],
    ['two inputs', twoInputs, 'the model must have one input and one output, it has 2 and 1'],
    ['one that is not built', () => tfl.sequential(), 'the model is not built; give its first layer an inputShape'],
    ['one that is disposed', disposed, 'the model is disposed; load or build it again'],
  ])('%s', async (_, make, message) => {
    const promise = verb(make() as ModelLike, smallData);
    await expect(promise).rejects.toThrow(errorOf(name, message));
  });
});

describe.each(Object.entries(onData))('%s of a model that does not compute', (name, verb) => {
  it('refuses a stateful layer, whose outputs depend on the batches before', async () => {
    const layer = tfl.layers.simpleRNN({ units: 3, stateful: true, batchInputShape: [24, 2, 2], name: 'memory' });
    const model = tfl.sequential({ layers: [layer] });
    const data = { xs: new Float32Array(96), ys: smallData.ys, shape: [2, 2] };
    await expect(verb(model, data)).rejects.toThrow(
      errorOf(
        name,
        'layer memory is stateful, so what the model returns depends on the batches before; build the model',
      ),
    );
    model.dispose();
  });

  it('passes on what a forward throws, and leaves no tensor', async () => {
    const variables = [tf.variable(tf.ones([2, 2]))];
    const broken = () => {
      throw new Error('no forward');
    };
    const tensors = tf.memory().numTensors;
    await expect(verb({ forward: broken, variables }, smallData)).rejects.toThrow('no forward');
    expect(tf.memory().numTensors).toBe(tensors);
  });
});

/** An error of the function that was called, with this in it. */
function errorOf(name: string, message: string): RegExp {
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal(name)}: .*${literal(message)}`);
}

describe.each(Object.entries(onData))('%s refuses as data', (name, verb) => {
  const { xs, ys, shape } = smallData;
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'data must be { xs, ys }'],
    ['a number', 5, 'data must be { xs, ys }'],
    ['no example', { xs: new Float32Array(), ys: [], shape }, 'the data hold no example'],
    ['no shape', { xs, ys }, 'needs shape, the shape of one example'],
    [
      'another shape',
      { xs, ys: ys.subarray(0, 16), shape: [6, 6, 3] },
      'the model takes inputs of shape [n, 6,6,2], got [16,6,6,3]',
    ],
    ['fewer labels', { xs, ys: [0, 1], shape }, 'there are 24 inputs and 2 labels'],
    [
      'a label of 3 for three classes',
      { xs, ys: [...ys].fill(3), shape },
      'labels must be integers from 0 to 2 (the model has 3 classes), got 3',
    ],
    ['labels of NaN', { xs, ys: [...ys].fill(Number.NaN), shape }, 'got NaN at example 0'],
    ['one-hot rows of two', { xs, ys: [...ys].map(() => [1, 0]), shape }, "the model's 3 classes, got rows of 2"],
  ])('%s', async (_, data, message) => {
    const model = smallNet();
    const before = weightBytes(model);
    await expect(verb(model, data as Data)).rejects.toThrow(errorOf(name, message));
    expect(weightBytes(model)).toBe(before);
    model.dispose();
  });
});

const shared: readonly [string, object, string][] = [
  ['view', { view: 'quantized' }, "view must be 'dequantized' or 'latent' or 'float', got quantized"],
  ['batchNorm', { batchNorm: 'folded' }, "batchNorm must be 'fold' or 'inference'"],
  ['the type of options', 5 as never, 'options must be an object'],
  ['a misspelt option', { batchnorm: 'fold' }, "there is no option 'batchnorm'; did you mean 'batchNorm'?"],
  ['an unknown option', { temperature: 1 }, "there is no option 'temperature'; the options are "],
];
const scope: readonly [string, object, string][] = [
  ['scope', { scope: 'kernels' }, "scope must be 'weights' or 'all', got kernels"],
  ['includeSteps', { includeSteps: 'yes' }, "includeSteps must be true or false, got 'yes'"],
];
const batches: readonly [string, object, string][] = [0, -1, 1.5, Number.NaN, '8'].map((batchSize) => [
  `batchSize ${batchSize}`,
  { batchSize },
  `batchSize must be a positive integer, got ${shown(batchSize)}`,
]);
const output: readonly [string, object, string][] = [['output', { output: 'logit' }, "output must be 'logits' or "]];
const initial: readonly [string, object, string][] = [
  [
    'initial as a promise',
    { initial: Promise.resolve() },
    'initial must be what snapshot(model) returns, got a Promise: await it',
  ],
  ['initial as weights', { initial: [] }, 'initial must be what snapshot(model) returns, got an array'],
];
/** The options of both searches, and the ranges of their numbers. */
const searches: readonly [string, object, string][] = [
  ...shared,
  ...scope,
  ...batches,
  ...output,
  ['magnitudeAware as text', { magnitudeAware: 'yes' }, "magnitudeAware must be true or false, got 'yes'"],
  ['target of 0', { target: 0 }, 'target must lie between 0 and 1, got 0'],
  ['target of NaN', { target: Number.NaN }, 'target must lie between 0 and 1, got NaN'],
  ['target as text', { target: '0.1' }, "target must lie between 0 and 1, got '0.1'"],
  ['target of 10 percent', { target: 10 }, 'target must lie between 0 and 1, got 10'],
  ['epsilon of 0', { epsilon: 0 }, 'epsilon must be positive, got 0'],
  ['epsilon without end', { epsilon: Number.POSITIVE_INFINITY }, 'epsilon must be positive, got Infinity'],
  ['seed', { seed: -1 }, 'seed must be an integer from 0 to 2^53 - 1, got -1'],
  ['a huge seed', { seed: 2 ** 53 }, 'seed must be an integer from 0 to 2^53 - 1, got 9007199254740992'],
  ['relativeTolerance', { relativeTolerance: 0 }, 'relativeTolerance must be positive, got 0'],
  ['relativeTolerance of NaN', { relativeTolerance: Number.NaN }, 'relativeTolerance must be positive, got NaN'],
  ['start', { start: Number.POSITIVE_INFINITY }, 'start must be positive, got Infinity'],
  ['maxExamples', { maxExamples: 0 }, 'maxExamples must be a positive integer, got 0'],
];
/** Ranges and tolerances of the bisection of the literature. */
const bisection = (paper: object): readonly [string, object, string][] => [
  ...[[1, 1], [1, 0], [-1, 2], [0, Number.POSITIVE_INFINITY], [Number.NaN, 1], [2]].map(
    (range): [string, object, string] => [
      `range [${range}]`,
      { ...paper, range },
      `range must be [low, high] with 0 <= low < high, got [${range}]`,
    ],
  ),
  ['range as a number', { ...paper, range: 2 }, 'range must be [low, high] with 0 <= low < high, got 2'],
  ['tolerance', { ...paper, tolerance: 0 }, 'tolerance must be positive, got 0'],
  ['iterations', { ...paper, iterations: 0.5 }, 'iterations must be a positive integer, got 0.5'],
];
const wrongOptions: Record<string, readonly (readonly [string, object, string])[]> = {
  findSigma: [
    ...searches,
    ...bisection({ protocol: 'paper' }),
    ['protocol', { protocol: 'bisect' }, "protocol must be 'fast' or 'paper', got bisect"],
    ['protocol of null', { protocol: null }, "protocol must be 'fast' or 'paper', got null"],
    ['noise', { noise: 'gaussian' }, "noise must be 'standard' or 'dziugaite2020', got gaussian"],
    ['examplesPerDraw', { examplesPerDraw: 0 }, 'examplesPerDraw must be a positive integer, got 0'],
    ['drawsPerNode', { protocol: 'paper', drawsPerNode: -1 }, 'drawsPerNode must be a positive integer, got -1'],
    ['range of the other protocol', { range: [0, 1] }, "option 'range' belongs to protocol: 'paper'"],
    [
      'relativeTolerance of the other protocol',
      { protocol: 'paper', relativeTolerance: 0.1 },
      "option 'relativeTolerance' belongs to protocol: 'fast'",
    ],
    ['a misspelt tolerance', { relativTolerance: 0.1 }, "did you mean 'relativeTolerance'?"],
    ['an option that is gone', { strict: true }, "there is no option 'strict'"],
  ],
  findAlpha: [
    ...searches,
    ...bisection({ ascent: 'paper' }),
    ['ascent', { ascent: 'jiang' }, "ascent must be 'signPGD' or 'paper', got jiang"],
    ['ascent of null', { ascent: null }, "ascent must be 'signPGD' or 'paper', got null"],
    ['epsilonInBall', { epsilonInBall: 'none' }, "epsilonInBall must be 'scaled' or 'additive', got none"],
    ['steps', { steps: 0 }, 'steps must be a positive integer, got 0'],
    ['bracketSteps', { bracketSteps: '5' }, "bracketSteps must be a positive integer, got '5'"],
    ['epochs', { ascent: 'paper', epochs: 0 }, 'epochs must be a positive integer, got 0'],
    ['ascentBatchSize', { ascent: 'paper', ascentBatchSize: 0.5 }, 'ascentBatchSize must be a positive integer'],
    ['learningRate', { ascent: 'paper', learningRate: -1 }, 'learningRate must be positive, got -1'],
    ['epochs of the other ascent', { epochs: 20 }, "option 'epochs' belongs to ascent: 'paper'"],
    ['steps of the other ascent', { ascent: 'paper', steps: 20 }, "option 'steps' belongs to ascent: 'signPGD'"],
    ['a protocol', { protocol: 'fast' }, "there is no option 'protocol'"],
  ],
  generalizationGap: [
    shared[2]!,
    ['view, which it has not', { view: 'float' }, "there is no option 'view'"],
    ...batches,
    ...output,
  ],
  lossLandscape: [
    ...shared,
    ...scope,
    ...batches,
    ...output,
    ['dimensions', { dimensions: 3 }, 'dimensions must be 1 or 2, got 3'],
    ['dimensions as text', { dimensions: '2' }, "dimensions must be 1 or 2, got '2'"],
    ['y along a line', { y: [0] }, "option 'y' belongs to dimensions: 2; leave it out or choose that"],
    ['coordinates of NaN', { x: [0, Number.NaN] }, 'x must be an array of finite coordinates, got [0, NaN]'],
    ['coordinates that are no array', { dimensions: 2, y: 3 }, 'y must be an array of finite coordinates, got 3'],
    ['normalization', { normalization: 'filters' }, "normalization must be 'filter' or 'layer' or 'weight' or 'none'"],
    ['seed', { seed: -1 }, 'seed must be an integer from 0 to 2^53 - 1, got -1'],
    ['directions', { directions: 'x' }, "directions must be an array of one or two flat directions, got 'x'"],
    [
      'directions of another length',
      { directions: [[1, 2]] },
      'a direction must have 378 entries, one for each parameter in scope, got 2',
    ],
    [
      'directions of NaN',
      { directions: [new Float32Array(378).fill(Number.NaN)] },
      'a direction must be finite, entry 0 is NaN',
    ],
  ],
  normMeasures: [
    ...shared,
    ...batches,
    ...output,
    ...initial,
    ['scope, which is all kernels', { scope: 'all' }, "there is no option 'scope'"],
  ],
  measureFlatness: [
    ...shared,
    ...scope,
    ...batches,
    ...output,
    ...initial,
    ['measures', { measures: ['pacBayes'] }, `there is no measure 'pacBayes'; there are ${MEASURE_IDS[0]}`],
    ['measures as text', { measures: 'pacBayes.init' }, "measures must be an array of ids, got 'pacBayes.init'"],
    ['dialect', { dialect: 'jiang' }, "dialect must be 'qgen' or 'dziugaite2020' or 'consistent', got jiang"],
    ['delta', { delta: 1 }, 'delta must lie between 0 and 1, got 1'],
    ['epsilon', { epsilon: 0 }, 'epsilon must be positive, got 0'],
    ['target', { target: Number.NaN }, 'target must lie between 0 and 1, got NaN'],
    ['seed', { seed: 0.5 }, 'seed must be an integer from 0 to 2^53 - 1, got 0.5'],
    ['a nested protocol', { sigma: { protocol: 'quick' } }, "protocol must be 'fast'"],
    ['a nested ascent', { alpha: { ascent: 'jiang' } }, "ascent must be 'signPGD'"],
  ],
  weightNorms: [
    ...shared,
    ...scope,
    ...initial,
    ['output, which it does not look at', { output: 'logits' }, "there is no option 'output'"],
  ],
};

describe.each(Object.entries(wrongOptions))('%s refuses of its options', (name, table) => {
  it.each(table)('%s', async (_, options, message) => {
    const model = smallNet();
    const before = weightBytes(model);
    const verb = name === 'lossLandscape' ? lossLandscape : { ...onData, ...onWeights }[name]!;
    const given =
      typeof options === 'object' && name === 'measureFlatness'
        ? { measures: ['pacBayes.flatness'], ...options }
        : options;
    const call =
      name === 'measureFlatness'
        ? measureFlatness(model, smallData, given as never)
        : verb(model, smallData, given as never);
    await expect(call).rejects.toThrow(errorOf(name, message));
    expect(weightBytes(model)).toBe(before);
    model.dispose();
  });
});

it.each(['target', 'seed', 'epsilon', 'signal', 'noise', 'scope', 'magnitudeAware'])(
  'measureFlatness takes %s once, not of each search',
  async (option) => {
    await expect(measureFlatness(smallNet(), smallData, { sigma: { [option]: 1 } as never })).rejects.toThrow(
      `measureFlatness, sigma: option '${option}' belongs to measureFlatness itself`,
    );
  },
);

it('undefined is the same as leaving an option out', async () => {
  const model = smallNet();
  const initial = await snapshot(smallNet());
  const nothing = { scope: undefined, view: undefined, batchNorm: undefined, includeSteps: undefined };
  expect(await weightNorms(model, { initial, ...nothing })).toEqual(await weightNorms(model, { initial }));
  const x = [0, 0.5];
  expect(await lossLandscape(model, smallData, { x, ...nothing, output: undefined, y: undefined })).toEqual(
    await lossLandscape(model, smallData, { x }),
  );
  model.dispose();
});

describe('measuresFromScales refuses', () => {
  const call = measuresFromScales as (...given: unknown[]) => unknown;
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  it.each<[string, unknown[], string]>([
    ['no weights', [undefined, [1], 10, {}], 'w must be an array of numbers, got undefined'],
    ['a number as weights', [[1], 1, 10, {}], 'w0 must be an array of numbers, got 1'],
    ['empty weights', [[], [], 10, {}], 'w is empty, so there is nothing to measure'],
    ['other lengths', [[1], [1, 2], 10, {}], 'w and w0 must have the same length, got 1 and 2'],
    ['NaN', [[nan], [1], 10, {}], 'w and w0 must be finite, entry 0 is NaN and 1'],
    ['infinity', [[1], [infinity], 10, {}], 'entry 0 is 1 and Infinity'],
    ['text', [['1'], [1], 10, {}], 'w and w0 must be finite'],
    ['m of 0', [[1], [1], 0, {}], 'm must be positive, got 0'],
    ['m of infinity', [[1], [1], infinity, {}], 'm must be positive, got Infinity'],
    [
      'no scales',
      [[1], [1], 10, undefined],
      'scales must be an object with any of sigma, sigmaMagnitude, alpha, alphaMagnitude, got undefined',
    ],
    ['a misspelt scale', [[1], [1], 10, { sigmaMag: 1 }], "there is no option 'sigmaMag'"],
    [
      'a scale below 0',
      [[1], [1], 10, { sigma: -1 }],
      'sigma must be positive, or null where no scale was found, got -1',
    ],
    ['a scale of NaN', [[1], [1], 10, { alpha: nan }], 'alpha must be positive'],
    [
      'a scale as text',
      [[1], [1], 10, { alpha: '1' }],
      "alpha must be positive, or null where no scale was found, got '1'",
    ],
    ['delta of 0', [[1], [1], 10, {}, { delta: 0 }], 'delta must lie between 0 and 1, got 0'],
    ['delta of 2', [[1], [1], 10, {}, { delta: 2 }], 'delta must lie between 0 and 1, got 2'],
    ['epsilon of 0', [[1], [1], 10, {}, { epsilon: 0 }], 'epsilon must be positive, got 0'],
    [
      'an unknown option',
      [[1], [1], 10, {}, { sigma: 1 }],
      "there is no option 'sigma'; the options are dialect, delta, epsilon",
    ],
  ])('%s', (_, given, message) => {
    expect(() => call(...given)).toThrow(errorOf('measuresFromScales', message));
  });
});

describe('trajectory refuses', () => {
  const at = (...values: number[]): Snapshot => {
    const folded = [
      {
        name: 'a/kernel',
        role: 'kernel' as const,
        place: '0.0',
        shape: [values.length],
        values: Float32Array.from(values),
      },
    ];
    return { raw: folded, folded };
  };
  const call = trajectory as (...given: unknown[]) => unknown;
  it.each<[string, unknown[], string]>([
    ['nothing', [undefined], 'checkpoints must be an array of snapshots, got undefined'],
    [
      'promises',
      [[at(1), at(2), Promise.resolve(at(3))]],
      'checkpoint 2 must be what snapshot(model) returns, got a Promise: await it',
    ],
    ['arrays', [[[1], [2], [3]]], 'checkpoint 0 must be what snapshot(model) returns, got an array'],
    ['two', [[at(1), at(2)]], 'a plane needs three checkpoints or more, got 2'],
    [
      'unlike ones',
      [[at(1), at(2, 3), at(3)]],
      'all checkpoints must have the same parameters, number 1 has 2 entries and the last one 1',
    ],
    ['NaN', [[at(1), at(Number.NaN), at(3)]], 'weights must be finite, those of checkpoint 1 are not'],
    [
      'no kernels',
      [[1, 2, 3].map(() => ({ raw: [], folded: [] }))],
      "no parameter in scope 'weights'; try scope: 'all'",
    ],
    ['another scope', [[at(1), at(2), at(3)], { scope: 'kernels' }], "scope must be 'weights' or 'all', got kernels"],
    ['an unknown option', [[at(1), at(2), at(3)], { normalization: 'none' }], "there is no option 'normalization'"],
  ])('%s', (_, given, message) => {
    expect(() => call(...given)).toThrow(errorOf('trajectory', message));
  });
});
