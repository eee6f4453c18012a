import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import type { Shape } from './shape';
import { joinHeads } from './split-heads';

/**
 * A layer that mixes values by attention weights and joins the heads: from [weights, values] of shapes [..., heads, n, n]
 * and [..., heads, n, d] to [..., n, heads d].
 */
export class AttentionMix extends layers.Layer {
  static readonly className = 'AttentionMix';

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [weights, values] = inputShape as [Shape, Shape];
    const [heads, , channels] = values.slice(-3) as [number, number, number];
    return [...weights.slice(0, -3), weights.at(-2)!, heads * channels];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const [weights, values] = inputs as [tf.Tensor, tf.Tensor];
      return joinHeads(tf.matMul(weights, values));
    });
  }
}
tf.serialization.registerClass(AttentionMix as unknown as tf.serialization.SerializableConstructor<AttentionMix>);
