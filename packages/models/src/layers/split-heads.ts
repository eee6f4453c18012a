import { requireCounts } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { onlyTensor } from './only-tensor';
import { onlyShape, type Shape } from './shape';

/**
 * The channels of tokens dealt to heads: [..., n, heads d] → [..., heads, n, d]; head h takes channels h d to (h + 1) d.
 * The heads are axis -3 of the result.
 */
function splitHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const outer = x.shape.slice(0, -1);
  const split = tf.reshape(x, [...outer, heads, x.shape.at(-1)! / heads]);
  return swapTokensAndHeads(split);
}

/** The inverse of `splitHeads`: [..., heads, n, d] → [..., n, heads d]. */
export function joinHeads(x: tf.Tensor): tf.Tensor {
  const joined = swapTokensAndHeads(x);
  return tf.reshape(joined, [...joined.shape.slice(0, -2), joined.shape.at(-2)! * joined.shape.at(-1)!]);
}

function swapTokensAndHeads(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  const last = axes.length - 1;
  return tf.transpose(x, [...axes.slice(0, last - 2), last - 1, last - 2, last]);
}

export interface SplitHeadsConfig {
  readonly heads: number;
  readonly name?: string;
}

/**
 * A layer that deals the channels of tokens to the heads of an attention: [..., n, heads d] → [..., heads, n, d].
 *
 * @throws RangeError if heads is no positive integer or does not divide the channels
 */
export class SplitHeads extends layers.Layer {
  static readonly className = 'SplitHeads';
  readonly heads: number;

  constructor(config: SplitHeadsConfig) {
    super(config);
    requireCounts('SplitHeads', { heads: config.heads });
    this.heads = config.heads;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = onlyShape(inputShape);
    const channels = shape.at(-1)!;
    if (channels % this.heads !== 0)
      throw new RangeError(
        `SplitHeads: heads must divide the channels, got ${this.heads} heads and ${channels} channels`,
      );
    return [...shape.slice(0, -2), this.heads, shape.at(-2)!, channels / this.heads];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => splitHeads(onlyTensor(inputs), this.heads));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), heads: this.heads };
  }
}
tf.serialization.registerClass(SplitHeads as unknown as tf.serialization.SerializableConstructor<SplitHeads>);
