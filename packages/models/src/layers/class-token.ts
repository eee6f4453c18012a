import * as tf from '@tensorflow/tfjs-core';
import { initializers, type LayerVariable, layers } from '@tensorflow/tfjs-layers';
import type { Initializer } from '../initializers/draws';
import { onlyTensor } from './only-tensor';
import { onlyShape, type Shape } from './shape';

export interface ClassTokenConfig {
  /** The first values of the token. Default normal with standard deviation 1e-6, as in timm. */
  readonly initializer?: Initializer;
  readonly name?: string;
}

/**
 * A layer that puts one learned token before the tokens of every example: [batch, n, channels] → [batch, n + 1, channels]
 * (ViT, Dosovitskiy et al. 2021, equation 1). The token, [channels], is the layer's weight.
 */
export class ClassToken extends layers.Layer {
  static readonly className = 'ClassToken';
  /** None: what `quantizeModel` of @qgen/lsq asks. */
  static readonly kernelNames: readonly string[] = [];
  private readonly initializer: Initializer;
  private token: LayerVariable | null = null;

  constructor(config: ClassTokenConfig = {}) {
    super(config);
    this.initializer = config.initializer ?? initializers.randomNormal({ stddev: 1e-6 });
  }

  override build(inputShape: Shape | Shape[]): void {
    this.token = this.addWeight('token', [onlyShape(inputShape).at(-1)!], 'float32', this.initializer);
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, tokens, channels] = onlyShape(inputShape) as [number | null, number, number];
    return [batch, tokens + 1, channels];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const input = onlyTensor(inputs);
      const [batch, , channels] = input.shape as [number, number, number];
      // The gradient of this sum is one reduction; that of a tiling is a slice for every example.
      const token = tf.add(tf.zeros([batch, 1, channels]), this.token!.read());
      return tf.concat([token, input], 1);
    });
  }
}
tf.serialization.registerClass(ClassToken as unknown as tf.serialization.SerializableConstructor<ClassToken>);

/** A layer that takes the first token of every example: [batch, n, channels] → [batch, channels]. */
export class FirstToken extends layers.Layer {
  static readonly className = 'FirstToken';

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, , channels] = onlyShape(inputShape);
    return [batch!, channels!];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const input = onlyTensor(inputs);
      return tf.squeeze(tf.slice(input, [0, 0, 0], [-1, 1, -1]), [1]);
    });
  }
}
tf.serialization.registerClass(FirstToken as unknown as tf.serialization.SerializableConstructor<FirstToken>);
