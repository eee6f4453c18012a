import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WasmBackend } from '../../src/backends/wasm-backend';
import { convolution, windowsOf, windowsOfOurs } from '../../src/training/convolution/convolution';
import { expectSame, numbers, on, withoutSimd, withPlainSimd } from '../cpu-and-wasm';

const wasm = () => tf.backend() as unknown as WasmBackend;
const size = (min: number, max: number) => fc.integer({ min, max });
const amount = size(0, 4);
const clamps = {
  linear: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  relu: [0, Number.POSITIVE_INFINITY],
  relu6: [0, 6],
} as const;

const convolutions = fc
  .record({
    input: fc.tuple(size(1, 3), size(1, 12), size(1, 12), size(1, 9)),
    kernel: fc.tuple(size(1, 5), size(1, 5), size(1, 13)),
    strides: fc.tuple(size(1, 4), size(1, 4)),
    dilations: fc.tuple(size(1, 3), size(1, 3)),
    pad: fc.oneof(
      fc.constantFrom('same' as const, 'valid' as const),
      size(0, 3),
      fc.tuple(amount, amount, amount, amount).map(
        ([top, bottom, left, right]): tf.backend_util.ExplicitPadding => [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ],
      ),
    ),
    activation: fc.constantFrom('linear' as const, 'relu' as const, 'relu6' as const),
    biased: fc.boolean(),
  })
  .map(({ input, kernel: [height, width, outputs], strides, dilations, pad, ...rest }) => ({
    input,
    filter: [height, width, input[3], outputs] as typeof input,
    attributes: {
      strides,
      // tfjs has strides or dilations.
      dilations: strides[0] * strides[1] === 1 ? dilations : ([1, 1] as [number, number]),
      pad,
      dimRoundingMode: typeof pad === 'string' ? undefined : ('floor' as const),
    },
    ...rest,
  }))
  .filter(({ input, filter, attributes: { strides, dilations, pad, dimRoundingMode } }) =>
    tf.backend_util
      .computeConv2DInfo(input, filter, strides, dilations, pad, dimRoundingMode)
      .outShape.every((extent) => extent > 0),
  );

describe.each(['with relaxed SIMD where it runs', 'with plain SIMD'])('the body of convolutions, %s,', (name) => {
  if (name === 'with plain SIMD') withPlainSimd();

  it('is that of the cpu backend, for 500 shapes with bias and clamp', () =>
    fc.assert(
      fc.asyncProperty(convolutions, ({ input, filter, attributes, activation, biased }) =>
        expectSame(() => {
          const given = {
            x: numbers(input, 1) as tf.Tensor4D,
            filter: numbers(filter, 2) as tf.Tensor4D,
            bias: biased ? numbers([filter[3]], 3) : undefined,
          };
          if (tf.getBackend() === 'cpu') return tf.fused.conv2d({ ...given, ...attributes, activation });
          const windows = windowsOf(input, filter, attributes);
          return tf.engine().makeTensorFromTensorInfo(convolution(wasm(), given, windows, clamps[activation]));
        }),
      ),
      { numRuns: 500, seed: 3 },
    ));
});

/** Layers large enough to be ours: more products than a million, in rows of at least 16 values. */
const layers = [
  { name: '3 × 3', input: [4, 16, 16, 16], filter: [3, 3, 16, 20] },
  { name: '3 × 3, stride 2', input: [4, 24, 24, 16], filter: [3, 3, 16, 20], strides: 2 },
  { name: '3 × 3, dilated', input: [4, 16, 16, 16], filter: [3, 3, 16, 20], dilations: 2 },
  { name: '1 × 1', input: [4, 15, 15, 32], filter: [1, 1, 32, 40] },
  { name: '1 × 1, stride 2', input: [8, 17, 24, 32], filter: [1, 1, 32, 40], strides: 2 },
  { name: '5 × 5, valid', input: [3, 20, 20, 7], filter: [5, 5, 7, 12], pad: 'valid' },
  { name: '2 × 2, stride 3', input: [4, 24, 24, 32], filter: [2, 2, 32, 40], strides: 3 },
  { name: '3 × 2, a number of zeros', input: [4, 15, 16, 16], filter: [3, 2, 16, 20], pad: 1 },
  {
    name: '3 × 3, other zeros on every side',
    input: [4, 15, 15, 16],
    filter: [3, 3, 16, 20],
    pad: [
      [0, 0],
      [2, 1],
      [0, 3],
      [0, 0],
    ],
  },
  { name: '3 × 3 of 512 channels, larger than a cache', input: [4, 4, 4, 300], filter: [3, 3, 300, 290] },
] as const;

describe.each(['with relaxed SIMD where it runs', 'with plain SIMD', 'without SIMD'])('convolutions, %s,', (name) => {
  if (name === 'with plain SIMD') withPlainSimd();
  else if (name === 'without SIMD') withoutSimd();

  it.each(layers)('of $name are those of the cpu backend and ours', async ({ input, filter, ...rest }) => {
    const { strides = 1, dilations = 1, pad = 'same' } = rest as { strides?: number; dilations?: number; pad?: 'same' };
    const attributes = {
      strides,
      dilations,
      pad,
      dimRoundingMode: typeof pad === 'string' ? undefined : 'floor',
    } as const;
    const given = () => ({
      x: numbers(input, 1) as tf.Tensor4D,
      filter: numbers(filter, 2) as tf.Tensor4D,
      bias: numbers([filter[3]], 3),
    });
    await expectSame(() => [
      tf.fused.conv2d({ ...given(), ...attributes, activation: 'relu' }),
      tf.fused.conv2d({ ...given(), ...attributes, bias: undefined }),
    ]);
    const ours = windowsOfOurs(wasm(), given(), attributes) !== undefined;
    expect(ours).toBe(name !== 'without SIMD');
  });

  it('take every activation', () =>
    expectSame(() =>
      (['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'prelu', 'leakyrelu'] as const).map((activation) =>
        tf.fused.conv2d({
          x: tf.mul(numbers([4, 16, 16, 16], 1), 8) as tf.Tensor4D,
          filter: numbers([3, 3, 16, 20], 2) as tf.Tensor4D,
          bias: numbers([20], 3),
          strides: 1,
          pad: 'same',
          activation,
          preluActivationWeights: activation === 'prelu' ? numbers([20], 4) : undefined,
          leakyreluAlpha: 0.3,
        }),
      ),
    ));

  it('let NaN and infinity reach the windows they are in, and no others', async () => {
    const layer = () => {
      const values = Float32Array.from(numbers([4, 16, 16, 16], 1).dataSync());
      values[16 * (16 * 3 + 5)] = Number.NaN;
      values[16 * (16 * 12 + 2)] = Number.POSITIVE_INFINITY;
      const x = tf.tensor(values, [4, 16, 16, 16]) as tf.Tensor4D;
      return tf.conv2d(x, numbers([3, 3, 16, 20], 2) as tf.Tensor4D, 1, 'same');
    };
    const [[cpu], [ours]] = [await on('cpu', layer), await on('wasm', layer)];
    cpu.values.forEach((value, i) => {
      if (Number.isFinite(value)) expect(ours.values[i]).toBeCloseTo(value, 4);
      else expect(ours.values[i]).toBe(value);
    });
  });
});

it('a convolution is left to tfjs-backend-wasm where it is small, narrow or of few pixels, and where there are threads', async () => {
  await tf.setBackend('wasm');
  const isOurs = (input: number[], filter: number[], backend = wasm()) => {
    const info = (shape: number[]) => ({ dataId: {}, shape, dtype: 'float32' as const });
    const attributes = { strides: 1, pad: 'same' } as const;
    return windowsOfOurs(backend, { x: info(input), filter: info(filter) }, attributes) !== undefined;
  };
  expect(isOurs([1, 24, 24, 16], [3, 3, 16, 16])).toBe(true);
  expect(isOurs([1, 8, 8, 16], [3, 3, 16, 16])).toBe(false);
  expect(isOurs([1, 99, 99, 4], [3, 3, 4, 64])).toBe(false);
  expect(isOurs([1, 7, 7, 512], [3, 3, 512, 512])).toBe(false);
  expect(isOurs([99, 2, 2, 512], [3, 3, 512, 512])).toBe(false);
  expect(isOurs([99, 2, 2, 512], [1, 1, 512, 512])).toBe(true);
  const wasmMemory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const threaded = { wasm: { wasmMemory } } as unknown as WasmBackend;
  expect(isOurs([1, 24, 24, 16], [3, 3, 16, 16], threaded)).toBe(false);
});

it('a convolution of integers, of channels first or with a bias of another shape is left to tfjs-backend-wasm', async () => {
  await tf.setBackend('wasm');
  const x = { dataId: {}, shape: [1, 24, 24, 16], dtype: 'float32' as const };
  const filter = { ...x, shape: [3, 3, 16, 16] };
  const given = { strides: 1, pad: 'same' } as const;
  expect(windowsOfOurs(wasm(), { x, filter }, given)).toBeDefined();
  expect(windowsOfOurs(wasm(), { x: { ...x, dtype: 'int32' }, filter }, given)).toBeUndefined();
  expect(windowsOfOurs(wasm(), { x, filter }, { ...given, dataFormat: 'NCHW' })).toBeUndefined();
  expect(windowsOfOurs(wasm(), { x, filter, bias: { ...x, shape: [1, 16] } }, given)).toBeUndefined();
  expect(windowsOfOurs(wasm(), { x, filter }, { ...given, activation: 'prelu' })).toBeUndefined();
});
