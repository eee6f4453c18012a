import type { Graph } from './graph';

/** The shape of a tensor in a model; null is a size that the input decides. */
export type Shape = readonly (number | null)[];

/**
 * A tensor of the graph. `shape` is the one it has in the model. Where the operators of ONNX want channels before the
 * spatial axes, the tensor may lie so, its last axis moved to the second place, and what works on single elements leaves it
 * there; then `moved` is true.
 */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
  readonly moved: boolean;
}

/** The value as the model has it. */
export function asInModel(graph: Graph, value: Value): Value {
  if (!value.moved) return value;
  return { ...value, name: transposed(graph, value.name, permutationBack(value.shape.length)), moved: false };
}

/** The order of axes that moves the second to the last place. */
export const permutationBack = (rank: number): readonly number[] => [0, ...range(2, rank), 1];

/** The value with its last axis, the channels, moved to the second place. */
export function channelsFirst(graph: Graph, value: Value): Value {
  const last = value.shape.length - 1;
  if (value.moved || last < 2) return value;
  return { ...value, name: transposed(graph, value.name, [0, last, ...range(1, last)]), moved: true };
}

/** Where an axis of the model lies in the tensor. */
export function axisIn({ shape, moved }: Value, axis: number): number {
  const counted = axis < 0 ? axis + shape.length : axis;
  if (!moved || counted === 0) return counted;
  return counted === shape.length - 1 ? 1 : counted + 1;
}

export function transposed(graph: Graph, tensor: string, perm: readonly number[]): string {
  return graph.node('Transpose', [tensor], { perm });
}

/** The tensor in another shape, its first axis, the batch, as it is. At most one of the sizes is null: what is left. */
export function reshaped(graph: Graph, tensor: string, sizes: Shape): string {
  return graph.node('Reshape', [tensor, graph.integers([0, ...sizes.map((size) => size ?? -1)])]);
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
