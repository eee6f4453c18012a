import {
  calibrate,
  FakeQuant,
  fakeQuant,
  fakeQuantWithOffset,
  gapBoundArgument,
  initialStep,
  integerCodes,
  modelSize,
  noiseRegularizer,
  quantizationNoise,
  quantizationRange,
  quantizeModel,
  summary,
  summaryAsync,
} from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { activationQuantizers } from '../../src/model/activation-quantizers';

beforeAll(() => useBackend('cpu'));

const plain = () =>
  sequential({
    layers: [
      layers.dense({ name: 'a', units: 4, inputShape: [3], activation: 'relu' }),
      layers.dense({ name: 'b', units: 4, activation: 'relu' }),
      layers.dense({ name: 'c', units: 2 }),
    ],
  });

const x = () => tf.ones([2, 3]);
const one = () => tf.scalar(1);
const vector = (size: number) => tf.ones([size]);

type Row = readonly [what: string, call: () => unknown, kind: typeof RangeError | typeof TypeError, message: RegExp];

/** Every row throws, or rejects, an error of the kind that begins with the name of the function called. */
function refuses(name: string, rows: readonly Row[]): void {
  describe(`${name} refuses`, () => {
    it.each(rows)('%s', async (_, call, kind, message) => {
      const error: unknown = await (async () => call())().catch((error: unknown) => error);
      expect(error).toBeInstanceOf(kind);
      expect((error as Error).message).toMatch(new RegExp(`^${name}[:,]`));
      expect((error as Error).message).toMatch(message);
    });
  });
}

/** Options that none of the functions with a grid accepts. */
const badGrids = (call: (options: never) => unknown): Row[] =>
  (
    [
      ['no options', undefined, TypeError, /options must be an object with bits, as \{ bits: 4 \}, got undefined/],
      ['null for options', null, TypeError, /options must be an object/],
      ['a number for options', 4, TypeError, /options must be an object/],
      ['no bits', {}, RangeError, /bits must be an integer from 2 to 16, got undefined/],
      ['bits as text', { bits: '4' }, RangeError, /bits must be an integer from 2 to 16, got '4'/],
      ['bits in an array', { bits: [4] }, RangeError, /bits must be an integer from 2 to 16, got an array/],
      ['NaN bits', { bits: Number.NaN }, RangeError, /got NaN/],
      [
        'one bit',
        { bits: 1 },
        RangeError,
        /got 1; a 1-bit grid has no learned step size, use 2 bits with narrow: true/,
      ],
      ['17 bits', { bits: 17 }, RangeError, /got 17/],
      ['half a bit', { bits: 2.5 }, RangeError, /got 2\.5/],
      ['signed as text', { bits: 4, signed: 'no' }, TypeError, /signed must be true or false, got 'no'/],
      ['narrow as a number', { bits: 4, narrow: 1 }, TypeError, /narrow must be true or false, got 1/],
      ['narrow and unsigned', { bits: 4, narrow: true, signed: false }, RangeError, /narrow needs a signed grid/],
      ['a misspelt option', { bits: 4, sigend: true }, RangeError, /no option 'sigend'; did you mean 'signed'\?/],
      ['an unknown option', { bits: 4, zzz: 1 }, RangeError, /no option 'zzz'; the options are bits, signed/],
    ] as const
  ).map(([what, options, kind, message]) => [what, () => call(options as never), kind, message]);

/** Arguments that none of the functions of a tensor and a step accepts. */
const badQuantizers = (call: (x: never, step: never, options: never) => unknown): Row[] => [
  ...badGrids((options) => call(x() as never, one() as never, options)),
  [
    'no tensor',
    () => call(undefined as never, one() as never, { bits: 4 } as never),
    TypeError,
    /x must be a float32 tensor, got undefined/,
  ],
  [
    'an array',
    () => call([1, 2] as never, one() as never, { bits: 4 } as never),
    TypeError,
    /x must be a float32 tensor, got an array/,
  ],
  [
    'integers',
    () => call(tf.ones([2], 'int32') as never, one() as never, { bits: 4 } as never),
    TypeError,
    /x must be float32, got int32/,
  ],
  [
    'a number for the step',
    () => call(x() as never, 0.1 as never, { bits: 4 } as never),
    TypeError,
    /step must be a float32 tensor, got 0\.1/,
  ],
  [
    'many steps without an axis',
    () => call(x() as never, vector(3) as never, { bits: 4 } as never),
    RangeError,
    /step must have shape \[\] for axis null, got \[3\]/,
  ],
  [
    'one step for an axis',
    () => call(x() as never, one() as never, { bits: 4, axis: 1 } as never),
    RangeError,
    /step must have shape \[1,3\] for axis 1, got \[\]/,
  ],
  [
    'an axis beyond the rank',
    () => call(x() as never, one() as never, { bits: 4, axis: 2 } as never),
    RangeError,
    /axis must be null or an integer from -2 to 1, got 2/,
  ],
  ['an axis as text', () => call(x() as never, one() as never, { bits: 4, axis: '1' } as never), RangeError, /got '1'/],
  [
    'another boundary',
    () => call(x() as never, one() as never, { bits: 4, boundary: 'open' } as never),
    RangeError,
    /boundary must be 'strict' or 'inclusive', got 'open'/,
  ],
  [
    'another gradient scale',
    () => call(x() as never, one() as never, { bits: 4, gradientScale: 'l2' } as never),
    RangeError,
    /gradientScale must be .* or a finite number, got l2/,
  ],
  [
    'an infinite gradient scale',
    () => call(x() as never, one() as never, { bits: 4, gradientScale: Infinity } as never),
    RangeError,
    /got Infinity/,
  ],
  [
    'a negative multiplier',
    () => call(x() as never, one() as never, { bits: 4, stepLearningRateMultiplier: -1 } as never),
    RangeError,
    /stepLearningRateMultiplier must be a number from 0 up, got -1/,
  ],
  [
    'a multiplier as text',
    () => call(x() as never, one() as never, { bits: 4, stepLearningRateMultiplier: '2' } as never),
    RangeError,
    /got '2'/,
  ],
];

refuses('quantizationRange', badGrids(quantizationRange));
refuses('fakeQuant', badQuantizers(fakeQuant));
refuses('integerCodes', badQuantizers(integerCodes));
refuses('fakeQuantWithOffset', [
  ...badQuantizers((x, step, options) => fakeQuantWithOffset(x, step, tf.scalar(0), options)),
  [
    'an offset of another shape',
    () => fakeQuantWithOffset(x(), one(), vector(1), { bits: 4 }),
    RangeError,
    /offset must have the shape of step, got \[1\] and \[\]/,
  ],
  [
    'an offset of integers',
    () => fakeQuantWithOffset(x(), one(), tf.scalar(0, 'int32'), { bits: 4 }),
    TypeError,
    /offset must be float32, got int32/,
  ],
  [
    'no offset',
    () => fakeQuantWithOffset(x(), one(), 0 as never, { bits: 4 }),
    TypeError,
    /offset must be a float32 tensor, got 0/,
  ],
]);
refuses('initialStep', [
  ...badGrids((options) => initialStep(x(), options)),
  ['no tensor', () => initialStep(null as never, { bits: 4 }), TypeError, /x must be a float32 tensor, got null/],
  ['integers', () => initialStep(tf.ones([2], 'int32'), { bits: 4 }), TypeError, /x must be float32, got int32/],
  [
    'an axis that is not there',
    () => initialStep(x(), { bits: 4, axis: -3 }),
    RangeError,
    /axis must be null or an integer from -2 to 1, got -3/,
  ],
  [
    'another start',
    () => initialStep(x(), { bits: 4, init: 'max' as never }),
    RangeError,
    /init must be 'lsq', 'lsq\+', 'mse' or a positive number, got max/,
  ],
  ['a step of NaN', () => initialStep(x(), { bits: 4, init: Number.NaN }), RangeError, /got NaN/],
  ['a step of zero', () => initialStep(x(), { bits: 4, init: 0 }), RangeError, /got 0/],
  ['a step as an array', () => initialStep(x(), { bits: 4, init: [0.1] as never }), RangeError, /got an array/],
]);

refuses('FakeQuant', [
  [
    'stepsFrozen that is no boolean',
    () => new FakeQuant({ bits: 4, stepsFrozen: 'no' } as never),
    TypeError,
    /stepsFrozen must be true or false, got 'no'/,
  ],
  ...badGrids((options) => new FakeQuant(options)).filter(([what]) => !/narrow/.test(what)),
  [
    'narrow, as activations have none',
    () => new FakeQuant({ bits: 4, narrow: true } as never),
    RangeError,
    /no option 'narrow'/,
  ],
  [
    'an offset as text',
    () => new FakeQuant({ bits: 4, offset: 'yes' as never }),
    TypeError,
    /offset must be true or false, got 'yes'/,
  ],
  [
    'a step beside an offset',
    () => new FakeQuant({ bits: 4, offset: true, init: 0.5 }),
    RangeError,
    /init can't be 0\.5 with an offset; 'lsq\+' and 'mse'/,
  ],
  [
    'another scale',
    () => new FakeQuant({ bits: 4, stepScale: 'log' as never }),
    RangeError,
    /stepScale must be 'relative' or 'absolute', got log/,
  ],
  [
    'another boundary',
    () => new FakeQuant({ bits: 4, boundary: 'open' as never }),
    RangeError,
    /boundary must be 'strict' or 'inclusive'/,
  ],
  [
    'another gradient scale',
    () => new FakeQuant({ bits: 4, gradientScale: 'l2' as never }),
    RangeError,
    /gradientScale must be/,
  ],
  [
    'a negative multiplier',
    () => new FakeQuant({ bits: 4, stepLearningRateMultiplier: -1 }),
    RangeError,
    /stepLearningRateMultiplier must be/,
  ],
]);

const quantize = (options: object) => quantizeModel(plain(), options as never);

refuses('quantizeModel', [
  [
    'what is no model',
    () => quantizeModel({} as never, { bits: 4 }),
    TypeError,
    /model must be a LayersModel .*, got an object/,
  ],
  [
    'no model',
    () => quantizeModel(undefined as never, { bits: 4 }),
    TypeError,
    /model must be a LayersModel .*, got undefined/,
  ],
  ['no options', () => quantizeModel(plain(), undefined as never), TypeError, /options must be an object with bits/],
  [
    'no bits',
    () => quantize({}),
    RangeError,
    /bits must be an integer from 2 to 16, a map .* or a function, got undefined/,
  ],
  ['bits as text', () => quantize({ bits: '4' }), RangeError, /got '4'/],
  ['bits in an array', () => quantize({ bits: [4, 4, 4] }), RangeError, /got an array/],
  [
    'text in a map of bits',
    () => quantize({ bits: { a: '4' } }),
    RangeError,
    /quantizeModel, layer a: bits must be an integer from 2 to 16, got '4'/,
  ],
  ['text from a function', () => quantize({ bits: () => '4' }), RangeError, /layer a: bits must be .*, got '4'/],
  [
    'a misspelt option',
    () => quantize({ bits: 4, perChanel: true }),
    RangeError,
    /no option 'perChanel'; did you mean 'perChannel'\?/,
  ],
  [
    'a misspelt option of an override',
    () => quantize({ bits: 4, overrides: { a: { bit: 8 } } }),
    RangeError,
    /overrides of a: there is no option 'bit'; did you mean 'bits'\?/,
  ],
  [
    'an option of models in an override',
    () => quantize({ bits: 4, overrides: { a: { firstLast: 'same' } } }),
    RangeError,
    /no option 'firstLast'/,
  ],
  [
    'a misspelt option of activations',
    () => quantize({ bits: 4, activations: { bits: 4, offsets: true } }),
    RangeError,
    /activations: there is no option 'offsets'; did you mean 'offset'\?/,
  ],
  [
    'the same in an override',
    () => quantize({ bits: 4, overrides: { b: { activations: { bits: 4, sing: true } } } }),
    RangeError,
    /overrides of b, activations: there is no option 'sing'; did you mean 'signed'\?|no option 'sing'/,
  ],
  [
    'narrow for activations',
    () => quantize({ bits: 4, activations: { bits: 4, narrow: true } }),
    RangeError,
    /no option 'narrow'/,
  ],
  [
    'overrides in an array',
    () => quantize({ bits: 4, overrides: [8] }),
    TypeError,
    /overrides must be a map \{ layer: options \}, got an array/,
  ],
  [
    'text for an override',
    () => quantize({ bits: 4, overrides: { a: '8' } }),
    TypeError,
    /overrides of a: an override is a number of bits, null or an object, got '8'/,
  ],
  [
    'text for activations',
    () => quantize({ bits: 4, activations: '8' }),
    TypeError,
    /activations must be a number of bits, an object or null, got '8'/,
  ],
  [
    'activations without bits',
    () => quantize({ bits: 4, activations: { offset: true } }),
    RangeError,
    /input of layer b: activations need bits/,
  ],
  [
    'text for modelInput',
    () => quantize({ bits: 4, activations: { bits: 4, modelInput: 'yes' } }),
    TypeError,
    /modelInput must be true or false/,
  ],
  [
    'text for perChannel',
    () => quantize({ bits: 4, perChannel: 'yes' }),
    TypeError,
    /layer a: perChannel must be true or false, got 'yes'/,
  ],
  [
    'another scale',
    () => quantize({ bits: 4, stepScale: 'log' }),
    RangeError,
    /stepScale must be 'relative' or 'absolute', got log/,
  ],
  ['another start', () => quantize({ bits: 4, init: 'max' }), RangeError, /init must be .*, got max/],
  ['an infinite step', () => quantize({ bits: 4, init: Infinity }), RangeError, /init must be .*, got Infinity/],
  [
    'a layer that is not there',
    () => quantize({ bits: 4, overrides: { z: 8 } }),
    RangeError,
    /no layer with kernels is called z; there are a, b, c/,
  ],
  [
    'activations of 0 bits',
    () => quantize({ bits: 4, activations: 0 }),
    RangeError,
    /input of layer b: bits must be .*, got 0/,
  ],
  ['activations of NaN bits', () => quantize({ bits: 4, activations: Number.NaN }), RangeError, /got NaN/],
  [
    'firstLast of half a bit',
    () => quantize({ bits: 4, firstLast: 2.5 }),
    RangeError,
    /layer a: bits must be .*, got 2\.5/,
  ],
  [
    'bits of nothing from a function',
    () => quantize({ bits: () => undefined }),
    RangeError,
    /layer a: bits must be .*, got undefined/,
  ],
]);

const activations = () => quantizeModel(plain(), { bits: 4, activations: 4 });

refuses('calibrate', [
  ['what is no model', () => calibrate(null as never, x()), TypeError, /model must be a LayersModel/],
  ['a float model', () => calibrate(plain(), x()), RangeError, /the model quantizes no activations/],
  [
    'no data',
    async () => calibrate(await activations(), undefined as never),
    TypeError,
    /data must be \{ xs \}, .*; got undefined/,
  ],
  ['text', async () => calibrate(await activations(), 'xs' as never), TypeError, /data must be \{ xs \}, .*; got 'xs'/],
  ['an empty array', async () => calibrate(await activations(), []), RangeError, /the data hold no example/],
  [
    'an empty tensor',
    async () => calibrate(await activations(), tf.zeros([0, 3])),
    RangeError,
    /the data hold no example/,
  ],
  [
    'ragged numbers',
    async () => calibrate(await activations(), [[1, 2, 3], [1]]),
    RangeError,
    /xs is ragged or not of numbers/,
  ],
  [
    'words among numbers',
    async () => calibrate(await activations(), [[1, 'two', 3]] as never),
    RangeError,
    /xs is ragged or not of numbers/,
  ],
  [
    'another width',
    async () => calibrate(await activations(), tf.ones([2, 4])),
    RangeError,
    /the model takes inputs of shape \[n, 3\], got \[2,4\]/,
  ],
  [
    'one example without its axis',
    async () => calibrate(await activations(), tf.ones([3])),
    RangeError,
    /got \[3\]; make a single example a batch of one/,
  ],
  [
    'a batch of nothing',
    async () => calibrate(await activations(), x(), { batchSize: 0 }),
    RangeError,
    /batchSize must be a positive integer, got 0/,
  ],
  [
    'half an example',
    async () => calibrate(await activations(), x(), { batchSize: 1.5 }),
    RangeError,
    /batchSize must be a positive integer/,
  ],
  [
    'a misspelt option',
    async () => calibrate(await activations(), x(), { batchsize: 4 } as never),
    RangeError,
    /no option 'batchsize'; did you mean 'batchSize'\?/,
  ],
]);

refuses('noiseRegularizer', [
  [
    'an object for data',
    async () => noiseRegularizer(await activations(), {} as never),
    TypeError,
    /xs .*got an object$/,
  ],
  ['what is no model', () => noiseRegularizer(4 as never, x()), TypeError, /model must be a LayersModel .*, got 4/],
  ['a float model', () => noiseRegularizer(plain(), x()), RangeError, /the model has no quantized kernels/],
  ['no data', async () => noiseRegularizer(await activations(), undefined as never), TypeError, /xs must be a tensor/],
  [
    'an empty tensor',
    async () => noiseRegularizer(await activations(), tf.zeros([0, 3])),
    RangeError,
    /xs holds no example/,
  ],
  [
    'another width',
    async () => noiseRegularizer(await activations(), tf.ones([2, 4])),
    RangeError,
    /xs must have the shape \[null,3\]/,
  ],
  [
    'fewer targets than examples',
    async () => noiseRegularizer(await activations(), x(), { ys: tf.ones([1, 2]) }),
    RangeError,
    /ys must have the shape \[2,2\], got \[1,2\]/,
  ],
  [
    'targets of another width',
    async () => noiseRegularizer(await activations(), x(), { ys: tf.ones([2, 3]) }),
    RangeError,
    /ys must have the shape \[2,2\], got \[2,3\]/,
  ],
  [
    'targets for two outputs',
    async () => noiseRegularizer(await activations(), x(), { ys: [x(), x()] }),
    RangeError,
    /the model has 1 outputs?, got targets for 2/,
  ],
  [
    'a batch of nothing',
    async () => noiseRegularizer(await activations(), x(), { batchSize: 0 }),
    RangeError,
    /batchSize must be a positive integer/,
  ],
  [
    'a misspelt option',
    async () => noiseRegularizer(await activations(), x(), { y: x() } as never),
    RangeError,
    /no option 'y'/,
  ],
]);

for (const [name, call] of Object.entries({ quantizationNoise, gapBoundArgument }))
  refuses(name, [
    ['what is no model', () => call([] as never), TypeError, /model must be a LayersModel/],
    [
      'a float model',
      () => call(plain()),
      RangeError,
      /the model has no quantized kernels; pass it to quantizeModel first/,
    ],
  ]);

for (const [name, call] of Object.entries({ summary, summaryAsync, modelSize } as Record<
  string,
  (model: LayersModel) => unknown
>))
  refuses(name, [
    ['no model', () => call(undefined as never), TypeError, /model must be a LayersModel .*, got undefined/],
    ['a function', () => call((() => 1) as never), TypeError, /got a function/],
  ]);

it('an option whose value is undefined is not given', async () => {
  const model = await quantizeModel(plain(), {
    bits: 4,
    init: undefined,
    overrides: undefined,
    activations: undefined,
  });
  expect(model.layers).toHaveLength(3);
  const overrides = { '*': { perChannel: true }, b: { perChannel: undefined, bits: 3 } };
  const { quantization } = (await quantizeModel(plain(), { bits: 4, overrides })).getLayer('b') as never as {
    quantization: { weights: object };
  };
  expect(quantization.weights).toMatchObject({ perChannel: true, bits: 3 });
});

it('one object serves the functions of a quantizer', () => {
  const options = {
    bits: 3,
    signed: false,
    axis: null,
    boundary: 'inclusive',
    gradientScale: 'none',
    init: 'mse',
  } as const;
  const step = initialStep(x(), options);
  expect(fakeQuant(x(), step, options).shape).toEqual([2, 3]);
  expect(integerCodes(x(), step, options).shape).toEqual([2, 3]);
  expect(quantizationRange(options)).toEqual({ qn: 0, qp: 7 });
});

describe('overrides', () => {
  const settingsOf = async (options: object) => {
    const model = await quantizeModel(plain(), options as never);
    return model.layers.map(
      (layer) => (layer as never as { quantization?: { weights: object; activations: object } }).quantization,
    );
  };

  it('that match one layer are laid over each other in their order', async () => {
    const overrides = { '*': { perChannel: true, narrow: true }, b: 8, '?': { narrow: false } };
    const [a, b] = await settingsOf({ bits: 4, firstLast: 'same', overrides });
    expect(a!.weights).toMatchObject({ bits: 4, perChannel: true, narrow: false });
    expect(b!.weights).toMatchObject({ bits: 8, perChannel: true, narrow: false });
  });

  it('of activations too, and over those of the model', async () => {
    const overrides = { '*': { activations: { offset: true } }, c: { activations: 6 } };
    const [, b, c] = await settingsOf({
      bits: 4,
      firstLast: 'same',
      activations: { bits: 3, gradientScale: 'features' },
      overrides,
    });
    expect(b!.activations).toMatchObject({ bits: 3, offset: true, gradientScale: 'features', init: 'mse' });
    expect(c!.activations).toMatchObject({ bits: 6, offset: true, gradientScale: 'features' });
  });

  it('take away what is null', async () => {
    const overrides = { '*': { activations: null }, b: null, c: { activations: { bits: 5 } } };
    const [a, b, c] = await settingsOf({ bits: 4, firstLast: 'same', activations: 3, overrides });
    expect([a!.activations, b, c!.activations]).toMatchObject([null, undefined, { bits: 5, offset: false }]);
  });
});

describe('activations', () => {
  it('have training options of their own, and else those of the kernels', async () => {
    const general = { boundary: 'inclusive', stepLearningRateMultiplier: 2, stepScale: 'absolute' } as const;
    const model = await quantizeModel(plain(), {
      bits: 4,
      ...general,
      activations: { bits: 4, boundary: 'strict', stepScale: 'relative' },
    });
    const [first] = activationQuantizers(model);
    expect(first!.quantizer.settings).toMatchObject({
      boundary: 'strict',
      stepLearningRateMultiplier: 2,
      stepScale: 'relative',
    });
    const { quantization } = model.getLayer('b') as never as { quantization: { weights: object } };
    expect(quantization.weights).toMatchObject(general);
  });

  it("gradientScale 'features' leaves out the batch of activations; a kernel has none and counts all its elements", async () => {
    const gradients = async (gradientScale: 'lsq' | 'features') => {
      const float = sequential({ layers: [layers.dense({ name: 'a', units: 4, inputShape: [16], useBias: false })] });
      float.setWeights([tf.randomNormal([16, 4], 0, 1, 'float32', 1)]);
      const options = { bits: 4, firstLast: 'same', gradientScale, stepScale: 'absolute' } as const;
      const model = await quantizeModel(float, { ...options, activations: { bits: 4, init: 0.1, modelInput: true } });
      const data = tf.randomNormal([25, 16], 0, 1, 'float32', 2);
      const { grads } = tf.variableGrads(() => tf.sum(model.apply(data, { training: true }) as tf.Tensor) as tf.Scalar);
      const of = (end: string) =>
        Object.entries(grads)
          .find(([name]) => name.includes(end))![1]
          .dataSync()[0]!;
      return { kernel: of('kernel_step'), input: of('input_step') };
    };
    const [lsq, features] = [await gradients('lsq'), await gradients('features')];
    expect(features.kernel).toBe(lsq.kernel);
    expect(features.input / lsq.input).toBeCloseTo(Math.sqrt(25), 4);
  });
});

describe.each<[string, (options: object) => Promise<unknown>]>([
  ['quantizeModel', (options) => quantizeModel(plain(), { bits: 4, ...options })],
  ['calibrate', async (options) => calibrate(await activations(), x(), options)],
  ['noiseRegularizer', async (options) => noiseRegularizer(await activations(), x(), options)],
])('%s as long work refuses', (name, call) => {
  it('what is no function to report to', () =>
    expect(call({ onProgress: 3 })).rejects.toThrow(new TypeError(`${name}: onProgress must be a function, got 3`)));

  it('what is no signal', () =>
    expect(call({ signal: {} })).rejects.toThrow(
      new TypeError(`${name}: signal must be that of an AbortController, got an object`),
    ));
});

describe('quantizeModel is long work', () => {
  const deep = () =>
    sequential({
      layers: Array.from({ length: 6 }, (_, i) => layers.dense({ units: 40, ...(i === 0 && { inputShape: [40] }) })),
    });

  it('it reports the kernels whose steps are set, and ends with all of them', async () => {
    const seen: string[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => void seen.push(`${done}/${total}`);
    await quantizeModel(deep(), { bits: 8, onProgress });
    expect(seen[0]).toBe('0/6');
    expect(seen.at(-1)).toBe('6/6');
  });

  it('aborted, it rejects with the reason and leaves nothing behind', async () => {
    const model = deep();
    const leaked = await leakedTensors(async () => {
      for (const already of [true, false]) {
        const abort = new AbortController();
        if (already) abort.abort(new Error('enough'));
        const onProgress = () => abort.abort(new Error('enough'));
        await expect(quantizeModel(model, { bits: 8, signal: abort.signal, onProgress })).rejects.toThrow('enough');
      }
    });
    expect(leaked).toBe(0);
  });

  it("a start by 'mse' gives the event loop its turns", async () => {
    // Tens of rounds over 250,000 weights take some hundred milliseconds.
    const model = sequential({ layers: [layers.dense({ units: 500, inputShape: [500], useBias: false })] });
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await quantizeModel(model, { bits: 8, init: 'mse' });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});

it('the type of the model is kept', async () => {
  const model = plain();
  const quantized = await quantizeModel(model, { bits: 4 });
  quantized.add(layers.dense({ units: 1 }));
  expect(quantized.outputShape).toEqual([null, 1]);
});
