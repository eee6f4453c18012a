import * as tf from '@tensorflow/tfjs-core';
import { composed } from '../../backends/composed-kernel';
import type { KernelWrapper } from '../../backends/kernel-wrapper';

/**
 * Makes a kernel of matrix products right for batches that are broadcast among each other, as in [5, 1, m, k] · [1, 6, k, n]:
 * the kernels of tfjs read the matrices of either side in turn, which is right for one matrix and for as many as there are
 * products. What lies between is repeated first.
 */
export const withWholeBatches =
  (backendName: string, product: tf.KernelFunc): tf.KernelFunc =>
  (args) => {
    const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const [left, right] = [a, b].map(({ shape }) => shape.slice(0, -2)) as [number[], number[]];
    if (isOne(left) || isOne(right) || tf.util.arraysEqual(left, right)) return product(args);
    const batches = tf.broadcast_util.assertAndGetBroadcastShape(left, right);
    return composed(backendName, args.backend, (run) => {
      const whole = (x: tf.TensorInfo): tf.TensorInfo => {
        const shape = [...new Array<number>(batches.length + 2 - x.shape.length).fill(1), ...x.shape];
        const reps = shape.map((size, axis) => (axis < batches.length ? batches[axis]! / size : 1));
        return reps.every((times) => times === 1) ? x : run('Tile', { x: { ...x, shape } }, { reps });
      };
      return run(product, { a: whole(a), b: whole(b) }, args.attrs);
    });
  };

const isOne = (batches: readonly number[]): boolean => batches.every((size) => size === 1);

/** On wasm `batchMatMul` does so itself. */
export const wholeBatches: readonly KernelWrapper[] = ['cpu', 'webgpu', 'webgl'].map((backendName) => ({
  kernelName: 'BatchMatMul',
  backendName,
  wrap: (stock) => withWholeBatches(backendName, stock),
}));
