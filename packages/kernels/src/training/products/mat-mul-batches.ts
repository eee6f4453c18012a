import * as tf from '@tensorflow/tfjs-core';
import { composed } from '../../backends/composed-kernel';
import { type KernelWrapper, type Outputs, type Tensors, wrappersOf } from '../../backends/kernel';

/** The two sides of a matrix product, each [...batches, rows, columns]. */
export type Sides = Tensors<'a' | 'b'>;

/**
 * The product of matrices whose batches are broadcast among each other, as in [5, 1, m, k] · [1, 6, k, n], by a product that
 * reads the matrices of either side in turn, as the kernels of tfjs do: that is right for one matrix and for as many as there
 * are products. What lies between is repeated first.
 */
export function onWholeBatches(
  backendName: string,
  backend: object,
  sides: Sides,
  product: (sides: Sides) => Outputs,
): Outputs {
  const { a, b } = sides;
  const [left, right] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  if (isOne(left) || isOne(right) || tf.util.arraysEqual(left, right)) return product(sides);
  const batches = tf.broadcast_util.assertAndGetBroadcastShape(left, right);
  return composed(backendName, backend, (run) => {
    const whole = (x: tf.TensorInfo): tf.TensorInfo => {
      const shape = [...new Array<number>(batches.length + 2 - x.shape.length).fill(1), ...x.shape];
      const reps = shape.map((size, axis) => (axis < batches.length ? batches[axis] / size : 1));
      return reps.every((times) => times === 1) ? x : run('Tile', { x: { ...x, shape } }, { reps });
    };
    return run(product, { a: whole(a), b: whole(b) });
  });
}

const isOne = (batches: readonly number[]): boolean => batches.every((size) => size === 1);

/** On wasm `batchMatMul` does so itself. */
export const wholeBatches: readonly KernelWrapper[] = ['cpu', 'webgpu', 'webgl'].map((backendName) =>
  wrappersOf<object>(backendName)<Sides>('BatchMatMul', (sides, _, backend, stock) =>
    onWholeBatches(backendName, backend, sides, stock),
  ),
);
