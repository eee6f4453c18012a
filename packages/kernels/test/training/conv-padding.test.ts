import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { it } from 'vitest';
import { expectSame, numbers } from '../cpu-and-wasm';

const size = (min: number, max: number) => fc.integer({ min, max });

it('a convolution with any padding is that of the cpu backend, for 300 shapes', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        input: fc.tuple(size(1, 2), size(1, 10), size(1, 10), size(1, 5)),
        kernel: fc.tuple(size(1, 4), size(1, 4), size(1, 5)),
        strides: fc.tuple(size(1, 4), size(1, 4)),
        dilations: fc.tuple(size(1, 3), size(1, 3)),
        pad: fc.oneof(fc.constantFrom('same' as const, 'valid' as const), size(0, 3)),
      }),
      async ({ input, kernel: [height, width, outputs], strides, dilations, pad }) => {
        const apart = strides[0] * strides[1] === 1 ? dilations : ([1, 1] as [number, number]);
        const filter = [height, width, input[3], outputs] as typeof input;
        const mode = typeof pad === 'number' ? 'floor' : undefined;
        const { outShape } = tf.backend_util.computeConv2DInfo(input, filter, strides, apart, pad, mode);
        if (outShape.some((extent) => extent <= 0)) return;
        await expectSame(() => {
          const x = numbers(input, 1) as tf.Tensor4D;
          const taps = numbers(filter, 2) as tf.Tensor4D;
          return [
            tf.conv2d(x, taps, strides, pad, 'NHWC', apart, mode),
            tf.fused.conv2d({
              x,
              filter: taps,
              strides,
              pad,
              dilations: apart,
              dimRoundingMode: mode,
              activation: 'relu',
            }),
            tf.depthwiseConv2d(x, taps, strides, pad, 'NHWC', apart, mode),
          ];
        });
      },
    ),
    { numRuns: 300, seed: 6 },
  ));
