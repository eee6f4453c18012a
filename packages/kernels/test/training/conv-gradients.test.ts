import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectSame, numbers, on, run, withoutSimd, withPlainSimd } from '../cpu-and-wasm';

type Four = [number, number, number, number];
interface Convolution {
  readonly input: Four;
  readonly filter: Four;
  readonly strides: [number, number];
  readonly pad: 'same' | 'valid' | number | [[number, number], [number, number], [number, number], [number, number]];
  readonly seed: number;
}

const size = (min: number, max: number) => fc.integer({ min, max });
const amount = size(0, 4);
/** Convolutions whose output has at least one pixel. */
const convolutions: fc.Arbitrary<Convolution> = fc
  .record({
    input: fc.tuple(size(1, 3), size(1, 10), size(1, 10), size(1, 9)),
    kernel: fc.tuple(size(1, 5), size(1, 5), size(1, 13)),
    strides: fc.tuple(size(1, 4), size(1, 4)),
    pad: fc.oneof(
      fc.constantFrom('same' as const, 'valid' as const),
      size(0, 3),
      fc.tuple(amount, amount, amount, amount).map(([top, bottom, left, right]): Convolution['pad'] => [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ]),
    ),
    seed: size(0, 1000),
  })
  .map(({ input, kernel: [height, width, outputs], ...rest }) => ({
    input,
    filter: [height, width, input[3], outputs] as Four,
    ...rest,
  }))
  .filter((convolution) => outputShape(convolution, false).every((extent) => extent > 0));

function outputShape({ input, filter, strides, pad }: Convolution, depthwise: boolean): Four {
  const mode = typeof pad === 'string' ? undefined : 'floor';
  return tf.backend_util.computeConv2DInfo(input, filter, strides, 1, pad, mode, depthwise).outShape as Four;
}

const attributes = ({ input, filter, strides, pad }: Convolution) => ({
  strides,
  pad,
  dataFormat: 'NHWC',
  dilations: [1, 1],
  dimRoundingMode: typeof pad === 'string' ? undefined : 'floor',
  inputShape: input,
  filterShape: filter,
});

const convolutionGradients = (convolution: Convolution) => () => {
  const dy = numbers(outputShape(convolution, false), convolution.seed);
  const given = attributes(convolution);
  return [
    run('Conv2DBackpropInput', { dy, filter: numbers(convolution.filter, 1) }, given),
    run('Conv2DBackpropFilter', { dy, x: numbers(convolution.input, 2) }, given),
  ];
};

const depthwiseGradients = (convolution: Convolution) => () => {
  const dy = numbers(outputShape(convolution, true), convolution.seed);
  const given = attributes(convolution);
  return [
    run('DepthwiseConv2dNativeBackpropInput', { dy, filter: numbers(convolution.filter, 1) }, given),
    run('DepthwiseConv2dNativeBackpropFilter', { dy, x: numbers(convolution.input, 2) }, given),
  ];
};

describe.each(['with the SIMD modules', 'without relaxed SIMD', 'where WebAssembly refuses the SIMD modules'])(
  '%s',
  (name) => {
    const refused = name.startsWith('where');
    const numRuns = refused ? 80 : 320;
    if (refused) withoutSimd();
    else if (name === 'without relaxed SIMD') withPlainSimd();

    it(`both gradients of a convolution are those of the cpu backend, for ${numRuns} shapes`, () =>
      fc.assert(
        fc.asyncProperty(convolutions, (convolution) => expectSame(convolutionGradients(convolution))),
        { numRuns, seed: 1 },
      ));

    it(`both gradients of a depthwise convolution are those of the cpu backend, for ${numRuns} shapes`, () =>
      fc.assert(
        fc.asyncProperty(convolutions, (convolution) => {
          const [height, width, inputs, outputs] = convolution.filter;
          return expectSame(depthwiseGradients({ ...convolution, filter: [height, width, inputs, 1 + (outputs % 3)] }));
        }),
        { numRuns, seed: 2 },
      ));

    it('so they are where a layer is larger than the blocks it is worked off in', async () => {
      const layer = { strides: [1, 1], pad: 'same', seed: 1 } as const;
      await expectSame(
        convolutionGradients({ ...layer, input: [4, 8, 8, 20], filter: [3, 3, 20, 27], strides: [1, 1] }),
      );
      await expectSame(
        convolutionGradients({ ...layer, input: [1, 2, 300, 5], filter: [1, 3, 5, 11], strides: [1, 2] }),
      );
    });
  },
);

it('an image without pixels, examples or channels has gradients of zeros', async () => {
  const none = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC' };
  const [dx, dw] = await on('wasm', () => [
    run(
      'Conv2DBackpropInput',
      { dy: tf.zeros([0, 4, 4, 2]), filter: tf.ones([3, 3, 1, 2]) },
      { ...none, inputShape: [0, 4, 4, 1] },
    ),
    run(
      'Conv2DBackpropFilter',
      { dy: tf.zeros([0, 4, 4, 2]), x: tf.ones([0, 4, 4, 1]) },
      { ...none, filterShape: [3, 3, 1, 2] },
    ),
  ]);
  expect(dx.shape).toEqual([0, 4, 4, 1]);
  expect(dw.values).toEqual(new Float32Array(18));
});

it('NaN and infinity reach the taps and the pixels they meet, and no others', async () => {
  const spoil = (tensor: tf.Tensor, at: number, value: number) => {
    const values = Float32Array.from(tensor.dataSync());
    values[at] = value;
    return tf.tensor(values, tensor.shape);
  };
  const gradients = () => {
    const dy = spoil(numbers([1, 5, 5, 4], 1), 4 * 6, Number.NaN);
    const x = spoil(numbers([1, 5, 5, 4], 2), 0, Number.POSITIVE_INFINITY);
    const given = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', inputShape: x.shape, filterShape: [3, 3, 4, 4] };
    return [
      run('Conv2DBackpropInput', { dy, filter: numbers([3, 3, 4, 4], 3) }, given),
      run('Conv2DBackpropFilter', { dy, x }, given),
    ];
  };
  const cpu = await on('cpu', gradients);
  const wasm = await on('wasm', gradients);
  for (const [i, { values }] of cpu.entries())
    for (const [j, value] of values.entries()) {
      if (!Number.isFinite(value)) expect(wasm[i].values[j]).toBe(value);
      else expect(wasm[i].values[j]).toBeCloseTo(value, 4);
    }
});

it('a wrong shape, type or layout is an error that says so', async () => {
  const given = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', inputShape: [1, 4, 4, 1] };
  const dx = (dy: tf.Tensor, more: object = {}) =>
    on('wasm', () => run('Conv2DBackpropInput', { dy, filter: tf.ones([3, 3, 1, 2]) }, { ...given, ...more }));
  await expect(dx(tf.zeros([1, 4, 3, 2]))).rejects.toThrow(RangeError);
  await expect(dx(tf.zeros([1, 4, 3, 2]))).rejects.toThrow('output, [1,4,4,2], got [1,4,3,2]');
  await expect(dx(tf.zeros([1, 4, 4, 2], 'int32'))).rejects.toThrow(
    'Conv2DBackpropInput: dy must be float32, got int32',
  );
  await expect(dx(tf.zeros([1, 4, 4, 2]), { dataFormat: 'NCHW' })).rejects.toThrow(
    "must be 'NHWC' on wasm, got 'NCHW'",
  );
});
