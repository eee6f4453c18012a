import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { onlyTensor } from './only-tensor';
import { type Permutation, permutation, permuteTokens } from './permute-tokens';
import { onlyShape, type Shape } from './shape';
import { type WindowGeometry, windowOrder } from './window-geometry';

export interface WindowTokensConfig {
  readonly geometry: WindowGeometry;
  /** From windows back to the map. Default false. */
  readonly reverse?: boolean;
  readonly name?: string;
}

/**
 * A layer that cuts a map into windows, rolled as its geometry says: [batch, height, width, channels] → [batch, windows,
 * window², channels]; with `reverse` the way back. Every token is moved, none is changed.
 *
 * @throws RangeError if the sizes are no multiples of the window, or the shift is not smaller than it
 */
export class WindowTokens extends layers.Layer {
  static readonly className = 'WindowTokens';
  readonly geometry: WindowGeometry;
  readonly reverse: boolean;
  private readonly moved: Permutation;

  constructor(config: WindowTokensConfig) {
    super(config);
    const { geometry, reverse = false } = config;
    this.geometry = geometry;
    this.reverse = reverse;
    const { order, inverse } = permutation(windowOrder(geometry));
    this.moved = reverse ? { order: inverse, inverse: order } : { order, inverse };
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, , , channels] = onlyShape(inputShape);
    return [batch!, ...this.cut(), channels!];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const input = onlyTensor(inputs);
      const [batch, , , channels] = input.shape as [number, number, number, number];
      const { height, width } = this.geometry;
      const tokens = permuteTokens(tf.reshape(input, [batch, height * width, channels]), this.moved);
      return tf.reshape(tokens, [batch, ...this.cut(), channels]);
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), geometry: { ...this.geometry }, reverse: this.reverse };
  }

  /** The two middle axes of the output. */
  private cut(): [number, number] {
    const { height, width, window } = this.geometry;
    return this.reverse ? [height, width] : [(height * width) / window ** 2, window ** 2];
  }
}
tf.serialization.registerClass(WindowTokens as unknown as tf.serialization.SerializableConstructor<WindowTokens>);
