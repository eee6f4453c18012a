import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { gelu } from '../../src/training/elementwise/gelu';
import { layerNormalization } from '../../src/training/normalization/layer-normalization';
import { expectSame, numbers, withoutSimd } from '../cpu-and-wasm';

describe.each(['with the SIMD module', 'without it'])('on wasm, %s, as on cpu:', (name) => {
  if (name === 'without it') withoutSimd();

  it('gelu and its gradient', () =>
    expectSame(() => {
      const x = tf.mul(numbers([7, 9], 1), 4);
      return [gelu(x), tf.grad((at) => tf.sum(tf.mul(gelu(at), numbers([7, 9], 2))))(x)];
    }));

  it('layer normalization and its gradients', () =>
    expectSame(() => {
      const given = [numbers([5, 4, 7], 1), numbers([7], 2), numbers([7], 3)];
      const normalize = (...[x, scale, offset]: tf.Tensor[]) => layerNormalization(x, scale, offset);
      const weights = numbers([5, 4, 7], 4);
      return [normalize(...given), ...tf.grads((...at) => tf.sum(tf.mul(normalize(...at), weights)))(given)];
    }));
});
