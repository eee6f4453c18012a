import * as tf from '@tensorflow/tfjs-core';
import { initializers, type LayerVariable, layers } from '@tensorflow/tfjs-layers';
import type { Initializer } from '../initializers/draws';
import { onlyTensor } from './only-tensor';
import { onlyShape, type Shape } from './shape';

export interface PositionEmbeddingConfig {
  /** The first values of the embedding. Default normal with standard deviation 0.02. */
  readonly initializer?: Initializer;
  readonly name?: string;
}

/**
 * A layer that adds a learned vector to every token by its place: y[b, i] = x[b, i] + bias[i] for x of shape [batch, n,
 * channels] (ViT, Dosovitskiy et al. 2021, equation 1). The embedding, [n, channels], is the layer's weight.
 */
export class PositionEmbedding extends layers.Layer {
  static readonly className = 'PositionEmbedding';
  /** None: what `quantizeModel` of @qgen/lsq asks. */
  static readonly kernelNames: readonly string[] = [];
  private readonly initializer: Initializer;
  private bias: LayerVariable | null = null;

  constructor(config: PositionEmbeddingConfig = {}) {
    super(config);
    this.initializer = config.initializer ?? initializers.randomNormal({ stddev: 0.02 });
  }

  override build(inputShape: Shape | Shape[]): void {
    const [, tokens, channels] = onlyShape(inputShape) as [number | null, number, number];
    this.bias = this.addWeight('bias', [tokens, channels], 'float32', this.initializer);
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return onlyShape(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => tf.add(onlyTensor(inputs), this.bias!.read()));
  }
}
tf.serialization.registerClass(
  PositionEmbedding as unknown as tf.serialization.SerializableConstructor<PositionEmbedding>,
);
