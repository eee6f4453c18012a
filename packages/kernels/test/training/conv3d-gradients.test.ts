import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { expectSame, numbers, on, run } from '../cpu-and-wasm';

const size = (min: number, max: number) => fc.integer({ min, max });

it('both gradients of a 3-D convolution are those of the cpu backend, for 100 shapes', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        input: fc.tuple(size(1, 2), size(3, 6), size(3, 6), size(3, 6), size(1, 4)),
        kernel: fc.tuple(size(1, 3), size(1, 3), size(1, 3), size(1, 4)),
        strides: fc.tuple(size(1, 3), size(1, 3), size(1, 3)),
        pad: fc.constantFrom('same' as const, 'valid' as const),
      }),
      ({ input, kernel: [depth, height, width, outputs], strides, pad }) => {
        const filter = [depth, height, width, input[4], outputs] as typeof input;
        const { outShape } = tf.backend_util.computeConv3DInfo(input, filter, strides, 1, pad);
        return expectSame(() => {
          const dy = numbers(outShape, 1);
          return [
            run('Conv3DBackpropInputV2', { dy, filter: numbers(filter, 2) }, { strides, pad, inputShape: input }),
            run('Conv3DBackpropFilterV2', { dy, x: numbers(input, 3) }, { strides, pad, filterShape: filter }),
          ];
        });
      },
    ),
    { numRuns: 100, seed: 4 },
  ));

it('a wrong shape or type is an error that says so', async () => {
  const given = { strides: [1, 1, 1], pad: 'same', inputShape: [1, 3, 3, 3, 1] };
  const dx = (dy: tf.Tensor) =>
    on('wasm', () => run('Conv3DBackpropInputV2', { dy, filter: tf.ones([2, 2, 2, 1, 1]) }, given));
  await expect(dx(tf.zeros([1, 3, 3, 2, 1]))).rejects.toThrow('output, [1,3,3,3,1], got [1,3,3,2,1]');
  await expect(dx(tf.zeros([1, 3, 3, 3, 1], 'int32'))).rejects.toThrow(TypeError);
});
