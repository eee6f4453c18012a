import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { onlyTensor } from './only-tensor';
import { permutation, permuteTokens } from './permute-tokens';
import { onlyShape, type Shape } from './shape';

/** (row, column) of the four neighbours in the order in which Swin concatenates their channels: column by column. */
const NEIGHBOURS = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
] as const;

/**
 * The order that puts the tokens of each 2×2 square of a map, row by row, next to each other.
 *
 * @throws RangeError if height or width is odd
 */
function mergingOrder(height: number, width: number): Int32Array<ArrayBuffer> {
  if (height % 2 !== 0 || width % 2 !== 0)
    throw new RangeError(
      `PatchMerging: height and width must be even, got a map of ${height}×${width}; pad it with zeros`,
    );
  const order = new Int32Array(height * width);
  let at = 0;
  for (let row = 0; row < height; row += 2)
    for (let column = 0; column < width; column += 2)
      for (const [down, right] of NEIGHBOURS) order[at++] = (row + down) * width + column + right;
  return order;
}

/**
 * A layer that concatenates the channels of every 2×2 square of a map: [batch, height, width, channels] → [batch,
 * height/2, width/2, 4 channels], in the order (row, column) = (0,0), (1,0), (0,1), (1,1) (Swin, Liu et al. 2021, section
 * 3.1; the order is that of its code).
 *
 * @throws RangeError if height or width is odd
 */
export class PatchMerging extends layers.Layer {
  static readonly className = 'PatchMerging';

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, height, width, channels] = onlyShape(inputShape) as [number | null, number, number, number];
    mergingOrder(height, width);
    return [batch, height / 2, width / 2, 4 * channels];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const input = onlyTensor(inputs);
      const [batch, height, width, channels] = input.shape as [number, number, number, number];
      const tokens = tf.reshape(input, [batch, height * width, channels]);
      const merged = permuteTokens(tokens, permutation(mergingOrder(height, width)));
      return tf.reshape(merged, [batch, height / 2, width / 2, 4 * channels]);
    });
  }
}
tf.serialization.registerClass(PatchMerging as unknown as tf.serialization.SerializableConstructor<PatchMerging>);
