import '@tensorflow/tfjs-backend-cpu';
import { fakeQuantBackward, fakeQuantForward, randomBits, randomNormal, randomUniform } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => tf.setBackend('cpu'));

/** What is handed over, what the message says of it, and which error it is. */
type Case = readonly [what: string, call: () => unknown, message: string, kind: typeof RangeError | typeof TypeError];

const x = () => tf.tensor2d([[0.3, -0.2, 0.9]]);
const step = () => tf.scalar(0.1);
const codes = { qn: -4, qp: 3 };

const forward: readonly Case[] = [
  ['a number', () => fakeQuantForward(1 as never, step(), codes), 'x must be a float32 tensor, got 1', TypeError],
  ['null', () => fakeQuantForward(null as never, step(), codes), 'x must be a float32 tensor, got null', TypeError],
  ['integers', () => fakeQuantForward(tf.ones([2], 'int32'), step(), codes), 'x must be float32, got int32', TypeError],
  [
    'a number for the step',
    () => fakeQuantForward(x(), 0.1 as never, codes),
    'step must be a float32 tensor',
    TypeError,
  ],
  ['an integer step', () => fakeQuantForward(x(), tf.scalar(1, 'int32'), codes), 'step must be float32', TypeError],
  ['no attributes', () => fakeQuantForward(x(), step(), undefined as never), 'got undefined and undefined', RangeError],
  ['attributes null', () => fakeQuantForward(x(), step(), null as never), 'options must be an object', TypeError],
  ['an array', () => fakeQuantForward(x(), step(), [-4, 3] as never), 'got an array', TypeError],
  ['half a code', () => fakeQuantForward(x(), step(), { qn: -4.5, qp: 3 }), 'got -4.5 and 3', RangeError],
  ['codes as text', () => fakeQuantForward(x(), step(), { qn: '-4', qp: 3 } as never), "got '-4' and 3", RangeError],
  ['NaN', () => fakeQuantForward(x(), step(), { qn: Number.NaN, qp: 3 }), 'got NaN and 3', RangeError],
  ['codes all positive', () => fakeQuantForward(x(), step(), { qn: 1, qp: 3 }), 'got 1 and 3', RangeError],
  ['one code', () => fakeQuantForward(x(), step(), { qn: 0, qp: 0 }), 'got 0 and 0', RangeError],
  ['huge codes', () => fakeQuantForward(x(), step(), { qn: -(2 ** 25), qp: 3 }), 'got -33554432 and 3', RangeError],
  [
    'a boundary misspelt',
    () => fakeQuantForward(x(), step(), { ...codes, boundary: 'strikt' as never }),
    "did you mean 'strict'?",
    RangeError,
  ],
  [
    'an attribute misspelt',
    () => fakeQuantForward(x(), step(), { ...codes, axes: 1 } as never),
    "did you mean 'axis'?",
    RangeError,
  ],
  [
    'an axis that is none',
    () => fakeQuantForward(x(), step(), { ...codes, axis: 2 }),
    'from 0 to 1, got 2',
    RangeError,
  ],
  ['half an axis', () => fakeQuantForward(x(), step(), { ...codes, axis: 0.5 }), 'got 0.5', RangeError],
  [
    'many steps without an axis',
    () => fakeQuantForward(x(), tf.ones([1, 3]), codes),
    'step must hold one element',
    RangeError,
  ],
  [
    'no step',
    () => fakeQuantForward(x(), tf.ones([0]), codes),
    'step must hold one element, got shape [0]',
    RangeError,
  ],
  [
    'too few steps',
    () => fakeQuantForward(x(), tf.ones([1, 2]), { ...codes, axis: 1 }),
    'step must have shape [1,3]',
    RangeError,
  ],
];

const backward: readonly Case[] = [
  [
    'a number for dy',
    () => fakeQuantBackward(1 as never, x(), step(), codes),
    'dy must be a float32 tensor',
    TypeError,
  ],
  [
    'an integer dy',
    () => fakeQuantBackward(tf.ones([1, 3], 'int32'), x(), step(), codes),
    'dy must be float32',
    TypeError,
  ],
  ['dy of another shape', () => fakeQuantBackward(tf.ones([3]), x(), step(), codes), 'got [3] and [1,3]', RangeError],
  [
    'a scale of NaN',
    () => fakeQuantBackward(x(), x(), step(), { ...codes, gradientScale: Number.NaN }),
    'got NaN',
    RangeError,
  ],
  [
    'a scale as text',
    () => fakeQuantBackward(x(), x(), step(), { ...codes, gradientScale: '1' as never }),
    "got '1'",
    RangeError,
  ],
  [
    'an unknown attribute',
    () => fakeQuantBackward(x(), x(), step(), { ...codes, gradScale: 1 } as never),
    "no option 'gradScale'",
    RangeError,
  ],
  ['codes that are none', () => fakeQuantBackward(x(), x(), step(), { qn: 3, qp: -4 }), 'got 3 and -4', RangeError],
];

const draws = { randomBits, randomUniform, randomNormal } as unknown as Record<
  string,
  (shape: unknown, options?: unknown) => tf.Tensor
>;
const random = (name: string): readonly Case[] => {
  const draw = draws[name];
  return [
    ['a number for the shape', () => draw(3, { seed: 1 }), 'shape must be an array of integers, got 3', TypeError],
    [
      'a negative dimension',
      () => draw([-1], { seed: 1 }),
      'shape must hold integers of at least 0, got [-1]',
      RangeError,
    ],
    ['half a dimension', () => draw([1.5], { seed: 1 }), 'got [1.5]', RangeError],
    ['a dimension of NaN', () => draw([Number.NaN], { seed: 1 }), 'got [NaN]', RangeError],
    ['dimensions as text', () => draw(['3'], { seed: 1 }), 'shape must hold integers', RangeError],
    ['a huge shape', () => draw([2 ** 20, 2 ** 20], { seed: 1 }), 'fewer than 2^31 elements', RangeError],
    ['no address', () => draw([2]), 'seed must be an integer from 0 to 2^53 - 1, got undefined', RangeError],
    ['an address null', () => draw([2], null), 'options must be an object', TypeError],
    ['a seed alone', () => draw([2], 7), 'options must be an object', TypeError],
    ['a negative seed', () => draw([2], { seed: -1 }), 'got -1', RangeError],
    ['half a seed', () => draw([2], { seed: 0.5 }), 'got 0.5', RangeError],
    [
      'a stream of infinity',
      () => draw([2], { seed: 1, stream: Number.POSITIVE_INFINITY }),
      'stream must be',
      RangeError,
    ],
    ['an offset too far', () => draw([2], { seed: 1, offset: 2 ** 53 - 1 }), 'offset + number of elements', RangeError],
    ['an option misspelt', () => draw([2], { seed: 1, ofset: 1 }), "did you mean 'offset'?", RangeError],
  ];
};

const table: Readonly<Record<string, readonly Case[]>> = {
  fakeQuantForward: forward,
  fakeQuantBackward: backward,
  randomBits: random('randomBits'),
  randomUniform: [
    ...random('randomUniform'),
    [
      'a bound of NaN',
      () => randomUniform([2], { seed: 1, min: Number.NaN }),
      'min must be a finite number',
      RangeError,
    ],
    ['a bound as text', () => randomUniform([2], { seed: 1, max: '2' as never }), "got '2'", RangeError],
    ['options of another', () => randomUniform([2], { seed: 1, mean: 1 } as never), "no option 'mean'", RangeError],
  ],
  randomNormal: [
    ...random('randomNormal'),
    ['an infinite mean', () => randomNormal([2], { seed: 1, mean: 1 / 0 }), 'mean must be a finite number', RangeError],
    ['a deviation of NaN', () => randomNormal([2], { seed: 1, standardDeviation: 0 / 0 }), 'got NaN', RangeError],
    ['options of another', () => randomNormal([2], { seed: 1, min: 1 } as never), "no option 'min'", RangeError],
  ],
};

describe.each(Object.entries(table))('%s refuses', (name, cases) => {
  it.each(cases)('%s', (_, call, message, kind) => {
    expect(call).toThrow(kind);
    expect(call).toThrow(`${name}: `);
    expect(call).toThrow(message);
  });
});
