import * as tf from '@tensorflow/tfjs-core';

/** Neighbours along an axis of a kernel that share a step: the heads of an attention. */
export interface KernelGroups {
  /** How many; divides the length of the axis. */
  readonly count: number;
  /** The axis that is divided: of a dense kernel [in, out] 1 for queries, keys and values, 0 for the output projection. */
  readonly axis: number;
}

/** How steps lie along a kernel. */
export interface StepView {
  /** The kernel's shape, its grouped axis of n as [groups, n / groups], which moves no element. */
  readonly shape: readonly number[];
  /** The axis of that shape whose slices have a step each, or null. */
  readonly axis: number | null;
}

/** The view of a kernel with one step for each of `groups` along an axis, or for each slice of `axis`, or one for all. */
export function stepView(shape: readonly number[], axis: number | null, groups: KernelGroups | null): StepView {
  if (!groups) return { shape, axis };
  const { count, axis: at } = groups;
  return { shape: [...shape.slice(0, at), count, shape[at] / count, ...shape.slice(at + 1)], axis: at };
}

/** Throws a RangeError that begins with `name` unless the groups divide a kernel of this shape. */
export function checkGroups(name: string, groups: KernelGroups, shape: readonly number[]): void {
  const { count, axis } = groups;
  if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
    throw new RangeError(
      `${name}: groups.axis must be an axis of the kernel [${shape}], from 0 to ${shape.length - 1}, got ${axis}`,
    );
  if (!Number.isInteger(count) || count < 1 || shape[axis] % count !== 0)
    throw new RangeError(
      `${name}: groups.count must divide the ${shape[axis]} of axis ${axis} of the kernel [${shape}], got ${count}`,
    );
}

/** A tensor of the step's shape in a shape that broadcasts to the kernel's: scalar, or 1 everywhere but along an axis. */
export function spreadOverKernel(steps: tf.Tensor, { axis }: StepView, kernelShape: readonly number[]): tf.Tensor {
  return tf.tidy(() => {
    if (axis === null) return tf.clone(steps);
    const size = kernelShape[axis];
    const repeated = tf.mul(tf.reshape(steps, [steps.size, 1]), tf.ones([1, size / steps.size]));
    return tf.reshape(
      repeated,
      kernelShape.map((_, dimension) => (dimension === axis ? size : 1)),
    );
  });
}
