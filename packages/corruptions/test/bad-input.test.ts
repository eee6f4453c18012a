import { type CorruptionName, corrupt, corruptionErrors, corruptionReport, drawFields } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../test/backends';

const valid = { severity: 3, preset: 'cifar-c' } as const;

/** What `corrupt` and `drawFields` refuse alike: names, options, and the message after the name of the function. */
const REFUSED: readonly (readonly [what: string, name: unknown, options: unknown, message: RegExp])[] = [
  ['an unknown name', 'fogg', valid, /unknown corruption 'fogg'; there are gaussian_noise, .*; did you mean 'fog'\?$/],
  ['a name far from all', 'rain', valid, /unknown corruption 'rain'; there are gaussian_noise, .*saturate$/],
  ['a name in capitals', 'Fog', valid, /unknown corruption 'Fog'; .*did you mean 'fog'\?$/],
  ['a property of objects', 'toString', valid, /unknown corruption 'toString'/],
  ['no name', undefined, valid, /unknown corruption undefined/],
  ['a number for a name', 7, valid, /unknown corruption 7/],
  ['names that are none', ['fog', 'foh'], valid, /unknown corruption 'foh'; .*did you mean 'fog'\?$/],
  ['too few names', ['fog'], valid, /name must be one for all images, or an array of one for each of the 2, got 1$/],
  ['no names', [], valid, /name must be one .* got 0$/],
  [
    'no options',
    'fog',
    undefined,
    /options must be an object with severity and preset, or with parameters, got undefined/,
  ],
  ['null for options', 'fog', null, /options must be an object .* got null/],
  ['a number for options', 'fog', 3, /options must be an object .* got 3/],
  ['an array for options', 'fog', [], /options must be an object .* got an array/],
  ['a misspelt option', 'fog', { ...valid, sevrity: 3 }, /there is no option 'sevrity'; did you mean 'severity'\?/],
  [
    'an option of another library',
    'fog',
    { ...valid, corruption_name: 'fog' },
    /there is no option 'corruption_name'; the options are /,
  ],
  ['severity 0', 'fog', { ...valid, severity: 0 }, /severity must be an integer from 1 to 5, got 0$/],
  ['severity 6', 'fog', { ...valid, severity: 6 }, /severity must be .* got 6$/],
  ['severity 2.5', 'fog', { ...valid, severity: 2.5 }, /severity must be .* got 2.5$/],
  ['severity NaN', 'fog', { ...valid, severity: Number.NaN }, /severity must be .* got NaN$/],
  ['severity as text', 'fog', { ...valid, severity: '3' }, /severity must be .* got '3'$/],
  ['no severity', 'fog', { preset: 'cifar-c' }, /severity must be .* got undefined$/],
  ['null for a severity', 'fog', { ...valid, severity: null }, /severity must be .* got null$/],
  ['a bad severity among good ones', 'fog', { ...valid, severity: [3, 9] }, /severity must be .* got 9$/],
  [
    'a severity too few',
    'fog',
    { ...valid, severity: [3] },
    /severity must be one for all images, or an array .* the 2, got 1$/,
  ],
  ['a severity too many', 'fog', { ...valid, severity: [3, 3, 3] }, /severity must be one .* the 2, got 3$/],
  [
    'no preset',
    'fog',
    { severity: 3 },
    /preset must be 'imagenet-c' or 'cifar-c' or 'tiny-imagenet-c', got undefined$/,
  ],
  [
    'a misspelt preset',
    'fog',
    { ...valid, preset: 'cifar_c' },
    /preset must be .* got cifar_c; did you mean 'cifar-c'\?$/,
  ],
  ['null for a preset', 'fog', { ...valid, preset: null }, /preset must be .* got null$/],
  [
    'an unknown dialect',
    'fog',
    { ...valid, dialect: 'tfds' },
    /dialect must be 'robustness' or 'imagecorruptions', got tfds$/,
  ],
  ['a negative seed', 'fog', { ...valid, seed: -1 }, /seed must be an integer from 0 to 2\^53 - 1, got -1$/],
  ['a fraction for a seed', 'fog', { ...valid, seed: 0.5 }, /seed must be .* got 0.5$/],
  ['a seed too large', 'fog', { ...valid, seed: 2 ** 53 }, /seed must be .* got 9007199254740992$/],
  ['text for a seed', 'fog', { ...valid, seed: '1' }, /seed must be .* got '1'$/],
  ['a seed of each image', 'fog', { ...valid, seed: [1, 2] }, /seed must be .* got an array$/],
  ['NaN for an index', 'fog', { ...valid, firstIndex: Number.NaN }, /firstIndex must be .* got NaN$/],
  [
    'an index whose successor is too large',
    'fog',
    { ...valid, firstIndex: 2 ** 53 - 1 },
    /firstIndex \+ the number of images - 1 must be an integer from 0 to 2\^53 - 1, got 9007199254740992$/,
  ],
  ['a bad index among good ones', 'fog', { ...valid, firstIndex: [0, -3] }, /firstIndex\[1\] must be .* got -3$/],
  ['an index too few', 'fog', { ...valid, firstIndex: [4] }, /firstIndex must be one for all images, .* the 2, got 1$/],
  ['textures that are none', 'frost', { ...valid, textures: 5 }, /textures must be an array of tensors .* got 5$/],
  ['no textures', 'frost', { ...valid, textures: [] }, /textures is empty; give at least one, or leave it out/],
  [
    'textures that are none, for another corruption',
    'fog',
    { ...valid, textures: [{}] },
    /textures\[0\] must be a tensor/,
  ],
];

describe('corrupt refuses', () => {
  beforeAll(() => useBackend('cpu'));
  const images = () => tf.fill([2, 4, 5, 3], 100, 'int32') as tf.Tensor4D;

  it.each(REFUSED)('%s', async (_, name, options, message) => {
    const given = images();
    const call = () => corrupt(given, name as CorruptionName, options as never);
    expect(call).toThrow(message);
    expect(call).toThrow(/^corrupt: /);
    expect(await leakedTensors(() => expect(call).toThrow())).toBe(0);
  });

  it.each<readonly [string, () => unknown, RegExp]>([
    ['an array', () => [[[1]]], /^corrupt: images must be a tensor, got an array$/],
    ['null', () => null, /^corrupt: images must be a tensor, got null$/],
    ['nothing', () => undefined, /^corrupt: images must be a tensor, got undefined$/],
    [
      'rank 2',
      () => tf.zeros([4, 5]),
      /^corrupt: images must have the shape \[N, H, W, C\] or \[H, W, C\], got \[4,5\]$/,
    ],
    ['rank 5', () => tf.zeros([1, 1, 4, 5, 3]), /^corrupt: images must have the shape .* got \[1,1,4,5,3\]$/],
    ['a number', () => tf.scalar(3), /^corrupt: images must have the shape .* got \[\]$/],
    ['four channels', () => tf.zeros([4, 5, 4]), /^corrupt: images must have 1 or 3 channels, .* got shape \[4,5,4\]$/],
    [
      'channels first',
      () => tf.zeros([3, 8, 8]),
      /^corrupt: images must have 1 or 3 channels, .* got shape \[3,8,8\]$/,
    ],
    ['no pixel', () => tf.zeros([1, 0, 5, 3]), /^corrupt: images must be at least one pixel high and wide/],
    ['truth values', () => tf.zeros([4, 5, 3], 'bool'), /^corrupt: images must be int32 .* got dtype bool$/],
    ['text', () => tf.fill([4, 5, 3], 'a', 'string'), /^corrupt: images must be int32 .* got dtype string$/],
    [
      'disposed images',
      () => {
        const gone = tf.zeros([4, 5, 3]);
        gone.dispose();
        return gone;
      },
      /^corrupt: images are disposed; /,
    ],
  ])('images that are %s', (_, make, message) => {
    expect(() => corrupt(make() as tf.Tensor, 'contrast', valid)).toThrow(message);
  });

  it('postJpeg85 that is neither true nor false', () => {
    expect(() => corrupt(images(), 'fog', { ...valid, postJpeg85: 85 as never })).toThrow(
      /^corrupt: postJpeg85 must be true or false, got 85$/,
    );
  });

  it('options are left out where they are undefined', () => {
    const all = {
      seed: undefined,
      firstIndex: undefined,
      dialect: undefined,
      textures: undefined,
      parameters: undefined,
    };
    const options = { ...valid, ...all, fields: undefined, postJpeg85: undefined } as never;
    expect(corrupt(images(), 'fog', options).dataSync()).toEqual(corrupt(images(), 'fog', valid).dataSync());
  });
});

describe.each(backends)('values on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each<readonly [number, 'int32' | 'float32', RegExp]>([
    [Number.NaN, 'float32', /^corrupt: float32 images must lie in 0..1, got NaN; divide levels by 255$/],
    [200, 'float32', /^corrupt: float32 images must lie in 0..1, got 200; divide levels by 255$/],
    [-0.5, 'float32', /^corrupt: float32 images must lie in 0..1, got -0.5/],
    [256, 'int32', /^corrupt: int32 images must lie in 0..255, got 256$/],
    [-1, 'int32', /^corrupt: int32 images must lie in 0..255, got -1$/],
  ])('%f as %s are refused', async (value, dtype, message) => {
    const images = tf.fill([2, 2, 3], value, dtype) as tf.Tensor3D;
    expect(await leakedTensors(() => expect(() => corrupt(images, 'contrast', valid)).toThrow(message))).toBe(0);
  });
});

describe('drawFields refuses', () => {
  beforeAll(() => useBackend('cpu'));

  it.each(REFUSED)('%s', (_, name, options, message) => {
    const call = () => drawFields(name as CorruptionName, [2, 4, 5, 3], options as never);
    expect(call).toThrow(message);
    expect(call).toThrow(/^drawFields: /);
  });

  it.each<readonly [string, unknown, RegExp]>([
    [
      'no shape',
      undefined,
      /^drawFields: images must have the shape \[N, H, W, C\] or \[H, W, C\], got \[undefined\]$/,
    ],
    ['a number', 5, /^drawFields: images must have the shape/],
    ['two sides', [4, 5], /^drawFields: images must have the shape .* got \[4,5\]$/],
    ['a fraction', [4, 5.5, 3], /^drawFields: images must have the shape .* got \[4,5.5,3\]$/],
    ['NaN', [Number.NaN, 5, 3], /^drawFields: images must have the shape/],
    ['a negative side', [-4, 5, 3], /^drawFields: images must have the shape/],
    ['text', ['4', 5, 3], /^drawFields: images must have the shape/],
    ['no pixel', [0, 5, 3], /^drawFields: images must be at least one pixel/],
    ['two channels', [4, 5, 2], /^drawFields: images must have 1 or 3 channels/],
    [
      'an enormous image',
      [1e6, 1e6, 3],
      /^drawFields: images must hold at most 2\^32 values, got shape \[1000000,1000000,3\]; /,
    ],
    ['an enormous batch', [1e9, 8, 8, 3], /^drawFields: images must hold at most 2\^32 values/],
  ])('a shape that is %s', (_, shape, message) => {
    expect(() => drawFields('gaussian_noise', shape as number[], valid)).toThrow(message);
  });

  it('what belongs to corrupt, and fog for an image of which its map would be enormous', () => {
    const options = (more: object) => ({ ...valid, ...more }) as never;
    expect(() => drawFields('fog', [4, 5, 3], options({ postJpeg85: true }))).toThrow(
      /^drawFields: option 'postJpeg85' belongs to corrupt; /,
    );
    expect(() => drawFields('fog', [4, 5, 3], options({ fields: [] }))).toThrow(/option 'fields' belongs to corrupt/);
    expect(() => drawFields('fog', [1, 20_000, 1], valid)).toThrow(
      /^drawFields: fog covers 1×20000 images with a map of 32768×32768, more than 16384×16384; cut them into parts$/,
    );
  });
});

describe('corruptionReport refuses', () => {
  beforeAll(() => useBackend('cpu'));
  const forward = (x: tf.Tensor) => tf.mean(x, [1, 2]);
  const model = { forward };
  const clean = () => ({ xs: tf.fill([4, 4, 5, 3], 100, 'int32'), ys: [0, 1, 2, 0] });
  const few = { preset: 'cifar-c', corruptions: ['contrast'], severities: [1] } as const;
  const data = {
    source: 'files',
    preset: 'cifar-c',
    corruptions: ['fog'],
    severities: [1],
    async *batches() {
      yield clean();
    },
  } as const;

  it.each<readonly [string, object, RegExp]>([
    ['a misspelt option', { corrupions: ['fog'] }, /there is no option 'corrupions'; did you mean 'corruptions'\?/],
    ['an option of corrupt', { severity: 3 }, /there is no option 'severity'; the options are /],
    ['no preset', { preset: undefined }, /preset must be 'imagenet-c' or .* got undefined$/],
    ['an unknown preset', { preset: 'imagenet' }, /preset must be .* got imagenet; did you mean 'imagenet-c'\?$/],
    ['an unknown corruption', { corruptions: ['fogg'] }, /unknown corruption 'fogg'; .*did you mean 'fog'/],
    ['a name for corruptions', { corruptions: 'fog' }, /corruptions must be an array of at least one, got 'fog'/],
    [
      'no corruptions',
      { corruptions: [] },
      /corruptions must be an array of at least one, got none; left out it is all/,
    ],
    [
      'an unknown severity',
      { severities: [0] },
      /severities has 0, but images corrupted on the fly offer 1, 2, 3, 4, 5$/,
    ],
    ['a number for severities', { severities: 3 }, /severities must be an array of at least one, got 3/],
    ['no severities', { severities: [] }, /severities must be an array of at least one/],
    ['a batch size of 0', { batchSize: 0 }, /batchSize must be a positive integer, got 0$/],
    ['a batch size of 2.5', { batchSize: 2.5 }, /batchSize must be a positive integer, got 2.5$/],
    ['a negative seed', { seed: -1 }, /seed must be an integer from 0 to 2\^53 - 1, got -1$/],
    ['an unknown dialect', { dialect: 'tfds' }, /dialect must be 'robustness' or/],
    [
      'a dialect that these images are too small for',
      { dialect: 'imagecorruptions' },
      /images must be at least 32 pixels/,
    ],
    ['textures that are none', { textures: 'frost1.png' }, /textures must be an array/],
    ['no textures', { textures: [] }, /textures is empty/],
    ['a number for postJpeg85', { postJpeg85: 85 }, /postJpeg85 must be true or false, got 85$/],
    ['an unknown output', { output: 'softmax' }, /output must be 'logits' or 'probabilities'.* got softmax/],
    ['a value for preprocess', { preprocess: 255 }, /preprocess must be a function, got 255$/],
    ['a value for onProgress', { onProgress: true }, /onProgress must be a function, got true$/],
    ['a controller for its signal', { signal: new AbortController() }, /signal must be that of an AbortController/],
    ['a training loss that is NaN', { trainLoss: Number.NaN }, /trainLoss must be a finite number or .* got NaN$/],
    ['text for a training loss', { trainLoss: '0.3' }, /trainLoss must be/],
    [
      'a training loss without its error',
      { trainLoss: { loss: 0.3 } },
      /trainLoss must be .* got \{ loss: 0.3, standardError: undefined \}$/,
    ],
    ['a negative error', { trainLoss: { loss: 0.3, standardError: -1 } }, /trainLoss must be/],
    ['corrupted data that are none', { corrupted: [] }, /corrupted must be what cifarCFiles or imageNetCFolder return/],
    [
      'a seed beside files',
      { corrupted: data, corruptions: ['fog'], seed: 1 },
      /option 'seed' belongs to images that are corrupted on the fly; /,
    ],
    [
      'a dialect beside files',
      { corrupted: data, corruptions: ['fog'], dialect: 'robustness' },
      /option 'dialect' belongs to/,
    ],
    [
      'another preset than the files have',
      { corrupted: data, corruptions: ['fog'], preset: 'imagenet-c' },
      /preset is imagenet-c, but files are of cifar-c; leave preset out$/,
    ],
    [
      'a corruption that the files lack',
      { corrupted: data, corruptions: ['snow'] },
      /corruptions has snow, but files offer fog$/,
    ],
    [
      'a severity that there is not',
      { corrupted: { ...data, severities: [7] }, corruptions: ['fog'], severities: [7] },
      /severities must be integers from 1 to 5, got 7$/,
    ],
  ])('%s', async (_, more, message) => {
    const given = clean();
    const call = () => corruptionReport(model, given, { ...few, ...more } as never);
    const leaked = await leakedTensors(async () => {
      await expect(call()).rejects.toThrow(message);
      await expect(call()).rejects.toThrow(/^corruptionReport: /);
    });
    expect(leaked).toBe(0);
  });

  it.each<readonly [string, unknown, RegExp]>([
    ['null', null, /model must be a LayersModel, or \{ forward\(x\), output \} .* got null$/],
    ['a function', forward, /model must be a LayersModel/],
    ['an object', { predict: forward }, /model must be a LayersModel/],
    ['without classes', { forward: (x: tf.Tensor) => tf.mean(x, [1, 2, 3]) }, /must return .*\[4\]/],
    ['for another number of images', { forward: (x: tf.Tensor) => tf.mean(x, [0, 1]) }, /must return .*\[5,3\]/],
  ])('a model that is %s', async (_, given, message) => {
    await expect(corruptionReport(given as never, clean(), few)).rejects.toThrow(message);
    await expect(corruptionReport(given as never, clean(), few)).rejects.toThrow(/^corruptionReport: /);
  });

  const images = () => tf.fill([4, 4, 5, 3], 100, 'int32');
  const oneHot = (rows: readonly (readonly number[])[]) => tf.tensor2d(rows as number[][]);
  const first = [1, 0, 0];

  it.each<readonly [string, () => unknown, RegExp]>([
    ['nothing', () => undefined, /data must be .* got undefined/],
    ['images alone', () => images(), /data must be .* got a tensor of shape \[4,4,5,3\]/],
    ['empty', () => ({ xs: tf.zeros([0, 4, 5, 3]), ys: [] }), /the data hold no example/],
    ['an empty pass', () => () => [], /the data hold no example/],
    ['with too few labels', () => ({ xs: images(), ys: [0, 1] }), /there are 4 inputs and 2 labels/],
    [
      'with labels NaN',
      () => ({ xs: images(), ys: [0, 1, Number.NaN, 0] }),
      /labels must be integers from 0.* got NaN at example 2/,
    ],
    [
      'with labels 0.5',
      () => ({ xs: images(), ys: Float32Array.of(0, 0.5, 1, 2) }),
      /labels must be integers.* got 0.5 at example 1/,
    ],
    [
      'with labels -1',
      () => ({ xs: images(), ys: Int32Array.of(0, -1, 1, 2) }),
      /labels must be integers.* got -1 at example 1/,
    ],
    [
      'with labels beyond the classes',
      () => ({ xs: images(), ys: [0, 1, 2, 3] }),
      /label 3 is none of the model's 3 classes/,
    ],
    ['with labels as text', () => ({ xs: images(), ys: ['0', '1', '2', '0'] }), /labels must be numbers, got string 0/],
    [
      'with one-hot rows of NaN',
      () => ({ xs: images(), ys: oneHot([first, first, [Number.NaN, 0, 0], first]) }),
      /one-hot .* example 2, \[NaN,0,0\], have NaN/,
    ],
    [
      'with rows of zeros',
      () => ({ xs: images(), ys: oneHot([first, [0, 0, 0], first, first]) }),
      /one-hot .* example 1, .* sum to 0/,
    ],
    [
      'with rows for more classes',
      () => ({ xs: images(), ys: oneHot([first, first, first, first].map((row) => [...row, 0])) }),
      /one-hot labels must have one entry for each of the model's 3 classes, got rows of 4/,
    ],
    [
      'with rows that sum to 2',
      () => ({ xs: images(), ys: oneHot([first, [1, 0, 1], first, first]) }),
      /one-hot .* sum to 2/,
    ],
    [
      'with levels as float32',
      () => ({ xs: tf.fill([4, 4, 5, 3], 100), ys: [0, 1, 2, 0] }),
      /float32 images must lie in 0..1, got 100 to 100; divide levels by 255, and normalize in preprocess$/,
    ],
    [
      'with NaN',
      () => ({ xs: tf.fill([4, 4, 5, 3], Number.NaN), ys: [0, 1, 2, 0] }),
      /float32 images must lie in 0..1/,
    ],
    [
      'with levels beyond 255',
      () => ({ xs: tf.fill([4, 4, 5, 3], 300, 'int32'), ys: [0, 1, 2, 0] }),
      /int32 images must lie in 0..255, got 300 to 300$/,
    ],
    [
      'of another rank',
      () => ({ xs: tf.zeros([4, 5]), ys: [0, 1, 2, 0] }),
      /^corruptionReport: images must have the shape \[N, H, W, C\] or \[H, W, C\], got \[4,5\]/,
    ],
  ])('data that are %s', async (_, make, message) => {
    await expect(corruptionReport(model, make() as never, few)).rejects.toThrow(message);
  });

  it('files of another range than their dtype has, and labels of theirs that are none', async () => {
    const files = (batch: object) => ({
      ...data,
      async *batches() {
        yield batch as never;
      },
    });
    const run = (batch: object) => corruptionReport(model, clean(), { corrupted: files(batch) });
    await expect(run({ xs: tf.fill([4, 4, 5, 3], 100), ys: [0, 1, 2, 0] })).rejects.toThrow(
      /^corruptionReport: float32 images/,
    );
    await expect(run({ xs: images(), ys: [0, 1, 2, 0.5] })).rejects.toThrow(
      /^corruptionReport: labels must be integers/,
    );
    await expect(run({ xs: images() })).rejects.toThrow(/^corruptionReport: every batch must be \{ xs, ys \}/);
  });

  it('a LayersModel of another input shape, of other labels, of several outputs', async () => {
    const net = layers.sequential({
      layers: [
        layers.layers.flatten({ inputShape: [8, 8, 3] }),
        layers.layers.dense({ units: 3, activation: 'softmax' }),
      ],
    });
    await expect(corruptionReport(net, clean(), few)).rejects.toThrow(
      /^corruptionReport: the model takes inputs of shape \[n, 8,8,3\], got \[4,4,5,3\]/,
    );
    const xs = tf.fill([4, 8, 8, 3], 100, 'int32');
    await expect(corruptionReport(net, { xs, ys: [0, 1, 2, 3] }, few)).rejects.toThrow(
      /^corruptionReport: labels must be integers from 0 to 2 \(the model has 3 classes\), got 3 at example 3/,
    );
    const rows = oneHot([first, first, first, first].map((row) => [...row, 0]));
    await expect(corruptionReport(net, { xs, ys: rows }, few)).rejects.toThrow(
      /^corruptionReport: one-hot labels must have/,
    );
    net.dispose();
  });

  it('a regression, said or read from a compiled model, and one output of which nothing says what it is', async () => {
    const net = layers.sequential({
      layers: [layers.layers.flatten({ inputShape: [4, 5, 3] }), layers.layers.dense({ units: 1 })],
    });
    await expect(corruptionReport(net, clean(), few)).rejects.toThrow(
      /^corruptionReport: the model returns one number without a sigmoid/,
    );
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const message =
      /^corruptionReport: is about the accuracy of a classifier, and the output of this model is a regression/;
    await expect(corruptionReport(net, clean(), few)).rejects.toThrow(message);
    const forward = (x: tf.Tensor) => tf.mean(tf.cast(x, 'float32'), [1, 2, 3]);
    await expect(corruptionReport({ forward, output: 'regression' }, clean(), few)).rejects.toThrow(message);
    net.dispose();
  });

  it('a softmax that is said to be logits, by default or in so many words', async () => {
    const forward = (x: tf.Tensor) => tf.softmax(tf.mean(tf.cast(x, 'float32'), [1, 2]));
    for (const model of [{ forward }, { forward, output: 'logits' as const }])
      await expect(corruptionReport(model, clean(), few)).rejects.toThrow(
        /^corruptionReport: the outputs are probabilities: they are not negative and sum to 1/,
      );
    await corruptionReport({ forward, output: 'probabilities' }, clean(), few);
  });
});

describe('corruptionErrors refuses', () => {
  const error = { corruption: 'fog', severity: 1, error: 0.5 };
  const none = { normalization: 'none' };

  it.each<readonly [string, unknown, unknown, unknown, RegExp]>([
    ['no errors', undefined, 0.1, none, /errors must be an array of \{ corruption, severity, error \}, got undefined/],
    ['null among them', [null], 0.1, none, /unknown corruption undefined/],
    [
      'an unknown corruption',
      [{ ...error, corruption: 'fogg' }],
      0.1,
      none,
      /unknown corruption 'fogg'; .*did you mean 'fog'/,
    ],
    [
      'severity 6',
      [{ ...error, severity: 6 }],
      0.1,
      none,
      /errors\[0\].severity must be an integer from 1 to 5, got 6/,
    ],
    [
      'an error in percent',
      [{ ...error, error: 50 }],
      0.1,
      none,
      /errors\[0\].error must be a number from 0 to 1, got 50/,
    ],
    ['NaN', [{ ...error, error: Number.NaN }], 0.1, none, /errors\[0\].error must be a number from 0 to 1, got NaN/],
    ['an error twice', [error, error], 0.1, none, /fog at severity 1 is given twice/],
    ['a clean error in percent', [error], 43, none, /cleanError must be a number from 0 to 1, got 43/],
    ['no clean error', [error], undefined, none, /cleanError must be a number from 0 to 1, got undefined/],
    ['no options', [error], 0.1, undefined, /normalization must be 'alexnet' or 'none', got undefined/],
    [
      'a misspelt normalization',
      [error],
      0.1,
      { normalization: 'alexNet' },
      /normalization must be .*did you mean 'alexnet'/,
    ],
    [
      'a misspelt option',
      [error],
      0.1,
      { normalisation: 'none' },
      /no option 'normalisation'; did you mean 'normalization'/,
    ],
  ])('%s', (_, errors, clean, options, message) => {
    const call = () => corruptionErrors(errors as never, clean as never, options as never);
    expect(call).toThrow(message);
    expect(call).toThrow(/^corruptionErrors: /);
  });

  it('of nothing there is nothing', () => {
    expect(corruptionErrors([], 0.1, { normalization: 'alexnet' })).toEqual([]);
  });
});
