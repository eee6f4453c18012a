/**
 * The elements of a tensor with its axes in another order, row by row: axis i of the result is axis `axes[i]` of `values`,
 * whose shape is `shape`. On the host, because wasm takes a microsecond an element for some orders.
 */
export function transposed(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array<ArrayBuffer> {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const out = new Float32Array(values.length);
  let at = 0;
  const visit = (axis: number, from: number): void => {
    const size = shape[axes[axis]];
    const stride = strides[axes[axis]];
    if (axis === axes.length - 1) for (let i = 0; i < size; i++) out[at++] = values[from + i * stride];
    else for (let i = 0; i < size; i++) visit(axis + 1, from + i * stride);
  };
  if (axes.length === 0) out.set(values);
  else visit(0, 0);
  return out;
}
