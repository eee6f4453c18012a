import { codeType } from '../file/element-types';
import type { Graph } from './graph';
import type { LayerCall, Weight } from './layer-call';

/** How a kernel of tfjs lies in the file. */
export interface KernelLayout {
  /** The order of its axes; as they are unless given. */
  readonly perm?: readonly number[];
  /** Its shape after that, where axes are joined. */
  readonly shape?: readonly number[];
  /** False to leave the zero points, which are 0, to the default of the format. */
  readonly zeros?: boolean;
}

/**
 * The tensor of a kernel: a float constant, or codes and a DequantizeLinear with one scale, or one for every index of an
 * axis. A code of the file is that of the model, bit for bit. Steps along several axes, which DequantizeLinear does not
 * know, are multiplied with afterwards.
 */
export function kernelTensor(
  call: LayerCall,
  weight: Weight,
  { perm, shape, zeros = true }: KernelLayout = {},
): string {
  const { graph } = call;
  const order = perm ?? weight.shape.map((_, each) => each);
  const values = permuted(weight.values, weight.shape, order);
  const sizes = shape ?? order.map((each) => weight.shape[each]);
  if (!weight.codes) return graph.floats(values, sizes, weight.name);
  const { bits, step, stepShape } = weight.codes;
  const type = codeType('kernel', { bits, signed: true }, graph.opset)!;
  const codes = graph.codes(values, sizes, type, weight.name);
  const scaleName = `${weight.name}:scale`;
  const dequantized = (scale: string, count: readonly number[], axis?: number) => {
    const zeroPoints = zeros ? [graph.codes(new Int8Array(count[0] ?? 1), count, type)] : [];
    return graph.node('DequantizeLinear', [codes, scale, ...zeroPoints], axis === undefined ? {} : { axis });
  };
  if (step.length === 1) return dequantized(graph.floats(step, [], scaleName), []);
  const spread = permuted(spreadSteps(step, stepShape, weight.shape), weight.shape, order);
  // Where axes are joined, they are the first two of the order, and the first of the shape; the second is then 1.
  const axes = new Set(order.flatMap((each, at) => (stepShape[each] > 1 ? (shape && at === 1 ? 0 : at) : [])));
  const scales = alongAxes(spread, sizes, axes);
  const [axis] = axes;
  if (axes.size === 1) return dequantized(graph.floats(scales, [scales.length], scaleName), [scales.length], axis);
  const scaleSizes = sizes.map((size, each) => (axes.has(each) ? size : 1));
  return graph.node('Mul', [dequantized(graph.floats([1]), []), graph.floats(scales, scaleSizes, scaleName)]);
}

/** Of an array that is constant along all other axes, what it is along some. */
function alongAxes(values: Float32Array, sizes: readonly number[], axes: ReadonlySet<number>): Float32Array {
  const strides = sizes.map((_, axis) => sizes.slice(axis + 1).reduce((product, size) => product * size, 1));
  return values.filter((_, i) =>
    sizes.every((size, axis) => axes.has(axis) || Math.floor(i / strides[axis]) % size === 0),
  );
}

/** A weight that is no kernel, in a shape that it broadcasts from. */
export function floatTensor(graph: Graph, { name, values, shape }: Weight, as: readonly number[] = shape): string {
  return graph.floats(values, as, name);
}

/** An array of a shape with its axes in another order. */
function permuted<Values extends Float32Array | Int32Array>(
  values: Values,
  shape: readonly number[],
  perm: readonly number[],
): Values {
  if (perm.every((axis, place) => axis === place)) return values;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const result = values.slice() as Values;
  const sizes = perm.map((axis) => shape[axis]);
  const steps = perm.map((axis) => strides[axis]);
  const place = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < values.length; to++) {
    result[to] = values[from];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++place[axis] < sizes[axis]) break;
      from -= steps[axis] * sizes[axis];
      place[axis] = 0;
    }
  }
  return result;
}

/** The step of every element of a kernel. */
function spreadSteps(step: Float32Array, stepShape: readonly number[], shape: readonly number[]): Float32Array {
  const strides = (sizes: readonly number[]) =>
    sizes.map((_, axis) => sizes.slice(axis + 1).reduce((product, size) => product * size, 1));
  const [own, whole] = [strides(stepShape), strides(shape)];
  return Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) => {
    let at = 0;
    for (let axis = 0; axis < shape.length; axis++)
      if (stepShape[axis] > 1) at += (Math.floor(i / whole[axis]) % shape[axis]) * own[axis];
    return step[at];
  });
}
