import { requireCounts } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { onlyTensor } from './only-tensor';
import { onlyShape, type Shape } from './shape';

/** The matrix [bins, size] that averages: bin i of the rows floor(i size / bins) to ceil((i + 1) size / bins). */
function averagingMatrix(size: number, bins: number): tf.Tensor2D {
  const weights = new Float32Array(bins * size);
  for (let bin = 0; bin < bins; bin++) {
    const from = Math.floor((bin * size) / bins);
    const to = Math.ceil(((bin + 1) * size) / bins);
    weights.fill(1 / (to - from), bin * size + from, bin * size + to);
  }
  return tf.tensor2d(weights, [bins, size]);
}

export interface AdaptiveAveragePoolingConfig {
  /** Height and width of the result. */
  readonly size: number;
  readonly name?: string;
}

/**
 * A layer that averages a map of any size to a square one, as PyTorch's AdaptiveAvgPool2d: [batch, height, width, channels]
 * → [batch, size, size, channels]. Place i averages the rows floor(i height / size) to ceil((i + 1) height / size), and
 * likewise the columns; neighbouring places share rows where the size divides no height.
 *
 * @throws RangeError if size is no positive integer
 */
export class AdaptiveAveragePooling extends layers.Layer {
  static readonly className = 'AdaptiveAveragePooling';
  readonly size: number;

  constructor(config: AdaptiveAveragePoolingConfig) {
    super(config);
    requireCounts('AdaptiveAveragePooling', { size: config.size });
    this.size = config.size;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, , , channels] = onlyShape(inputShape);
    return [batch!, this.size, this.size, channels!];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const input = onlyTensor(inputs);
      const [batch, height, width, channels] = input.shape as [number, number, number, number];
      const { size } = this;
      const rows = average(tf.reshape(input, [batch, height, width * channels]), size);
      const columns = average(tf.reshape(rows, [batch * size, width, channels]), size);
      return tf.reshape(columns, [batch, size, size, channels]);
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), size: this.size };
  }
}
tf.serialization.registerClass(
  AdaptiveAveragePooling as unknown as tf.serialization.SerializableConstructor<AdaptiveAveragePooling>,
);

/** [n, places, channels] averaged to [n, bins, channels]. */
function average(x: tf.Tensor, bins: number): tf.Tensor {
  const [n, places] = x.shape as [number, number, number];
  const matrix = tf.reshape(averagingMatrix(places, bins), [1, bins, places]);
  return tf.matMul(tf.tile(matrix, [n, 1, 1]), x);
}
