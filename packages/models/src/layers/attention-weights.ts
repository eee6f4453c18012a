import * as tf from '@tensorflow/tfjs-core';
import { initializers, type LayerVariable, layers } from '@tensorflow/tfjs-layers';
import type { Initializer } from '../initializers/draws';
import type { Shape } from './shape';
import { relativePositionIndex, type WindowGeometry, windowMask } from './window-geometry';

/**
 * Attention weights softmax(q kᵀ / √d + bias) over the keys: q and k of shape [..., heads, n, d] give [..., heads, n, n]
 * (Vaswani et al. 2017, equation 1).
 *
 * @param bias broadcast to the weights; null is none
 */
function attentionWeights(q: tf.Tensor, k: tf.Tensor, bias: tf.Tensor | null): tf.Tensor {
  const scaled = tf.mul(q, 1 / Math.sqrt(q.shape.at(-1)!));
  const logits = tf.matMul(scaled, k, false, true);
  return tf.softmax(bias ? tf.add(logits, bias) : logits);
}

/**
 * The bias of windowed attention, [heads, n, n]: element (h, i, j) is element (index[i n + j], h) of the table of relative
 * position biases [(2 window - 1)², heads], n = window² (Swin, Liu et al. 2021, equation 4).
 */
function relativePositionBias(table: tf.Tensor, index: Int32Array<ArrayBuffer>): tf.Tensor {
  const n = Math.sqrt(index.length);
  const rows = tf.gather(table, tf.tensor1d(index, 'int32'));
  return tf.reshape(tf.transpose(rows), [table.shape[1]!, n, n]);
}

export interface AttentionWeightsConfig {
  /** The windows that the tokens lie in; they get a relative position bias, and a mask if they are shifted. */
  readonly geometry?: WindowGeometry;
  /** The first values of the table of relative position biases. Default normal with standard deviation 0.02. */
  readonly initializer?: Initializer;
  readonly name?: string;
}

/**
 * A layer that computes attention weights from [queries, keys], both [..., heads, n, d]: softmax(q kᵀ / √d), and with a
 * window geometry softmax(q kᵀ / √d + relative position bias + mask) for [batch, windows, heads, n, d]. The result is
 * [..., heads, n, n]; every row of it sums to 1. The table of biases, [(2 window - 1)², heads], is the layer's weight.
 */
export class AttentionWeights extends layers.Layer {
  static readonly className = 'AttentionWeights';
  /** None: what `quantizeModel` of @qgen/lsq asks. */
  static readonly kernelNames: readonly string[] = [];
  readonly geometry: WindowGeometry | null;
  private readonly initializer: Initializer;
  /** Which row of the table belongs to query i and key j of a window: element i n + j. null without windows. */
  readonly index: Int32Array<ArrayBuffer> | null;
  /** The mask added between tokens of a window, [windows, n, n]: 0, or -100 between regions. null where none is shifted. */
  readonly mask: Float32Array<ArrayBuffer> | null;
  private table: LayerVariable | null = null;

  constructor(config: AttentionWeightsConfig = {}) {
    super(config);
    this.geometry = config.geometry ?? null;
    this.initializer = config.initializer ?? initializers.randomNormal({ stddev: 0.02 });
    this.index = this.geometry && relativePositionIndex(this.geometry.window);
    this.mask = this.geometry && windowMask(this.geometry);
  }

  override build(inputShape: Shape | Shape[]): void {
    if (this.geometry) {
      const [heads] = (inputShape as Shape[])[0].slice(-3) as [number];
      const rows = (2 * this.geometry.window - 1) ** 2;
      this.table = this.addWeight('relative_position_bias', [rows, heads], 'float32', this.initializer);
    }
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [queries, keys] = inputShape as [Shape, Shape];
    return [...queries.slice(0, -1), keys.at(-2)!];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const [queries, keys] = inputs as [tf.Tensor, tf.Tensor];
      return attentionWeights(queries, keys, this.bias());
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...(this.geometry && { geometry: { ...this.geometry } }) };
  }

  /** [heads, n, n] or with a mask [windows, heads, n, n]. */
  private bias(): tf.Tensor | null {
    if (!this.geometry) return null;
    const bias = relativePositionBias(this.table!.read(), this.index!);
    if (!this.mask) return bias;
    const n = this.geometry.window ** 2;
    return tf.add(bias, tf.tensor(this.mask, [this.mask.length / n ** 2, 1, n, n]));
  }
}
tf.serialization.registerClass(
  AttentionWeights as unknown as tf.serialization.SerializableConstructor<AttentionWeights>,
);
