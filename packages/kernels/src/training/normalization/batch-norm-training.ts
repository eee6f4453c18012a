import * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmKernel } from '../../backends/kernel';
import { ownGradient, registeredWithSimd } from '../../backends/registered';
import { runKernel } from '../../backends/run-kernel';
import { simdModule } from '../../backends/simd-module';
import { addresses, floats } from '../../backends/wasm-backend';

const MOMENTS = 'QGenColumnMoments';
const BACKWARD = 'QGenBatchNormBackward';
const MOVING_AVERAGE = 'QGenMovingAverage';

/** Whether the active backend has the kernels of batch normalization in training: wasm, where the SIMD module can be had. */
export const trainsBatchNorm = (): boolean => registeredWithSimd(MOMENTS);

interface Normalized {
  readonly y: tf.Tensor;
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/**
 * Batch normalization in training over all axes of x but the last (Ioffe and Szegedy 2015, algorithm 1), and the statistics
 * that it took, which are constants to every gradient:
 *
 *     y = x̂ · scale + offset,   x̂ = (x − μ) r,   r = 1 / √(σ² + ε),   μ and σ² the mean and (biased) variance of a column
 *     dx = scale · r (dy − mean(dy) − x̂ mean(dy x̂)),   dScale = Σ dy x̂,   dOffset = Σ dy
 *
 * Reads x once for the statistics and once for y; the gradient keeps x, and reads it and dy twice.
 */
export function batchNormInTraining(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): Normalized {
  const [mean, variance] = runKernel<tf.Tensor[]>(MOMENTS, { x });
  const normalize = tf.customGrad((...inputs: (tf.Tensor | Save)[]) => {
    const [x, scale, offset, save] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, Save];
    save([x, scale, mean, variance]);
    return {
      value: runKernel<tf.Tensor>('FusedBatchNorm', { x, mean, variance, scale, offset }, { varianceEpsilon: epsilon }),
      gradFunc: (dy: tf.Tensor, [x, scale, mean, variance]: tf.Tensor[]) =>
        ownGradient(BACKWARD)
          ? runKernel<tf.Tensor[]>(BACKWARD, { dy, x, mean, variance, scale }, { epsilon })
          : backward(dy, x, scale, epsilon),
    };
  });
  return { y: normalize(x, scale, offset), mean, variance };
}

type Save = (tensors: tf.Tensor[]) => void;

/** dx, dScale and dOffset of operations, from x alone: other gradients may be taken of them. */
function backward(dy: tf.Tensor, x: tf.Tensor, scale: tf.Tensor, epsilon: number): tf.Tensor[] {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const centred = tf.sub(x, tf.mean(x, axes));
  const reciprocal = tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes), epsilon));
  const values = tf.mul(centred, reciprocal);
  const product = tf.mul(dy, values);
  const across = tf.mul(values, tf.mean(product, axes));
  const dx = tf.mul(tf.mul(reciprocal, scale), tf.sub(tf.sub(dy, tf.mean(dy, axes)), across));
  return [dx, tf.sum(product, axes), tf.sum(dy, axes)];
}

/** average − (average − value) (1 − momentum), rounded after every operation as tfjs-layers rounds it. */
export const movingAverage = (average: tf.Tensor, value: tf.Tensor, momentum: number): tf.Tensor =>
  runKernel(MOVING_AVERAGE, { average, value }, { momentum });

const rowsAndColumns = ({ shape }: tf.TensorInfo): [number, number] => {
  const columns = shape.at(-1)!;
  return [tf.util.sizeFromShape(shape) / columns, columns];
};

/** The number of floats that two float64 a column take. */
const roomFor = (columns: number): number => 16 * Math.ceil(columns / 4);

export const batchNormTrainingKernels: readonly tf.KernelConfig[] = [
  wasmKernel<Tensors<'x'>>(MOMENTS, ({ x }, _, wasm) => {
    const [rows, columns] = rowsAndColumns(x);
    const from = wasm.getMemoryOffset(x.dataId);
    const mean = wasm.makeOutput([columns], 'float32');
    const variance = wasm.makeOutput([columns], 'float32');
    const scratch = wasm.makeOutput([roomFor(columns)], 'float32');
    simdModule(wasm)!.columnMoments(from, ...addresses(wasm, [mean, variance, scratch] as const), rows, columns);
    wasm.disposeData(scratch.dataId);
    return [mean, variance];
  }),
  wasmKernel<Tensors<'dy' | 'x' | 'mean' | 'variance' | 'scale'>, { epsilon: number }>(
    BACKWARD,
    ({ dy, x, mean, variance, scale }, { epsilon }, wasm) => {
      const [rows, columns] = rowsAndColumns(x);
      const given = addresses(wasm, [dy, x, mean, variance, scale] as const);
      const dx = wasm.makeOutput(x.shape, 'float32');
      const dScale = wasm.makeOutput([columns], 'float32');
      const dOffset = wasm.makeOutput([columns], 'float32');
      const scratch = wasm.makeOutput([roomFor(columns)], 'float32');
      const made = addresses(wasm, [dx, dScale, dOffset, scratch] as const);
      simdModule(wasm)!.batchNormBackward(...given, ...made, rows, columns, epsilon);
      wasm.disposeData(scratch.dataId);
      return [dx, dScale, dOffset];
    },
  ),
  wasmKernel<Tensors<'average' | 'value'>, { momentum: number }>(
    MOVING_AVERAGE,
    ({ average, value }, { momentum }, wasm) => {
      addresses(wasm, [average, value]);
      const result = wasm.makeOutput(average.shape, 'float32');
      const [averages, values, results] = [average, value, result].map((tensor) => floats(wasm, tensor));
      const decay = Math.fround(1 - momentum);
      for (let i = 0; i < results.length; i++) {
        const difference = Math.fround(averages[i] - values[i]);
        results[i] = averages[i] - Math.fround(difference * decay);
      }
      return result;
    },
  ),
];
