import * as tf from '@tensorflow/tfjs-core';
import { gradientOf } from '../../backends/gradient';

/**
 * Gradient of a tile, on every backend and for any rank: dy summed over its repetitions at once. tfjs makes a slice and an
 * addition for each repetition, and has none beyond rank 4.
 */
export const tileGradient: tf.GradConfig = {
  kernelName: 'Tile',
  inputsToSave: ['x'],
  gradFunc: gradientOf<tf.Tensor, [tf.Tensor], { reps: number[] }>((dy, [x], { reps }) => ({
    x: () => sumOfRepetitions(dy, x.shape, reps),
  })),
};

function sumOfRepetitions(dy: tf.Tensor, shape: number[], reps: readonly number[]): tf.Tensor {
  if (dy.size === 0) return tf.zeros(shape);
  // Axes by turns repeated and of x, without those of one and joined where neighbours are of a kind: few, long sums.
  const axes: { size: number; repeated: boolean }[] = [];
  for (const [axis, times] of reps.entries())
    for (const { size, repeated } of [
      { size: times, repeated: true },
      { size: shape[axis], repeated: false },
    ]) {
      const last = axes.at(-1);
      if (size === 1) continue;
      if (last?.repeated === repeated) last.size *= size;
      else axes.push({ size, repeated });
    }
  const apart = tf.reshape(
    dy,
    axes.map(({ size }) => size),
  );
  const over = axes.flatMap(({ repeated }, axis) => (repeated ? axis : []));
  return tf.reshape(over.length > 0 ? tf.sum(apart, over) : apart, shape);
}
