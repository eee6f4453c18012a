import { requireKnownOptions, shown } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmKernel } from '../../backends/kernel';
import { ownGradient, registeredWithSimd } from '../../backends/registered';
import { requireTensors } from '../../backends/require-tensors';
import { simdModule } from '../../backends/simd-module';
import { addresses } from '../../backends/wasm-backend';

const LAYER_NORMALIZATION = 'QGenLayerNormalization';
const LAYER_NORMALIZATION_BACKWARD = 'QGenLayerNormalizationBackward';

/**
 * Layer normalization, Ba, Kiros and Hinton, "Layer Normalization" (2016), equations 3 and 4, over `axes` (default: the last):
 *
 *     y = x̂ · scale + offset,   x̂ = (x − μ) r,   r = 1 / √(σ² + ε),   μ and σ² the mean and variance of x over the axes
 *     dx = r (g − mean(g) − x̂ mean(g x̂)) with g = dy · scale,   dScale = Σ dy x̂,   dOffset = Σ dy
 *
 * `x` is float32 of rank 1 or more; `scale` and `offset` hold as many elements as the axes together, in their order, or are
 * null for 1 and 0. `epsilon` is 1e-3 unless said, as in Keras; PyTorch's is 1e-5. A constant x gives the offset, a NaN in x
 * makes what is normalized with it NaN, an empty x stays empty. The gradient keeps x and `scale` and nothing else.
 * `registerKernels()` puts this behind the layer `LayerNormalization` of tfjs-layers too.
 *
 * @throws TypeError if `x`, `scale` or `offset` is not a float32 tensor, or `axes` no array
 * @throws RangeError if an axis is not one of x's or stands twice, `scale` or `offset` has another size, `epsilon` is not a
 * positive number, or an option is unknown
 */
export function layerNormalization<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor | null,
  offset: tf.Tensor | null,
  options: { readonly axes?: readonly number[]; readonly epsilon?: number } = {},
): T {
  requireKnownOptions('layerNormalization', options, ['axes', 'epsilon']);
  const { axes = [-1], epsilon = 1e-3 } = options;
  const over = check(x, { scale, offset }, axes, epsilon);
  if (x.size === 0) return tf.clone(x);
  return tf.tidy(() => {
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !over.includes(axis));
    const order = [...kept, ...over];
    const back = order.map((_, axis) => order.indexOf(axis));
    const last = order.every((axis, i) => axis === i);
    const arranged = last ? x : tf.transpose(x, order);
    const columns = over.reduce((size, axis) => size * x.shape[axis], 1);
    const rows = tf.reshape(arranged, [-1, columns]);
    const vector = (given: tf.Tensor | null, otherwise: number) =>
      given ? tf.reshape(given, [columns]) : tf.fill([columns], otherwise);
    const y = tf.reshape(normalizeRows(epsilon)(rows, vector(scale, 1), vector(offset, 0)), arranged.shape);
    return (last ? y : tf.transpose(y, back)) as T;
  });
}

/** The axes as numbers from 0 on, where everything fits. */
function check(
  x: tf.Tensor,
  weights: Readonly<Record<'scale' | 'offset', tf.Tensor | null>>,
  axes: readonly number[],
  epsilon: number,
): number[] {
  const name = 'layerNormalization';
  const given = Object.entries({ x, ...weights }).filter(([which, tensor]) => which === 'x' || tensor !== null);
  requireTensors(name, Object.fromEntries(given));
  if (!Array.isArray(axes)) throw new TypeError(`${name}: axes must be an array of integers, got ${shown(axes)}`);
  const over = axes.map((axis) => (axis < 0 ? axis + x.rank : axis));
  if (over.length === 0 || new Set(over).size < over.length || !over.every((axis) => axis in x.shape))
    throw new RangeError(
      `${name}: axes must be different integers from ${-x.rank} to ${x.rank - 1} for x of shape [${x.shape}], got [${axes}]`,
    );
  const size = over.reduce((product, axis) => product * x.shape[axis], 1);
  for (const [which, tensor] of Object.entries(weights))
    if (tensor && tensor.size !== size)
      throw new RangeError(
        `${name}: ${which} must hold ${size} elements for the axes [${axes}] of [${x.shape}], got shape [${tensor.shape}]`,
      );
  if (!(Number.isFinite(epsilon) && epsilon > 0))
    throw new RangeError(`${name}: epsilon must be a positive number, got ${shown(epsilon)}`);
  return over;
}

type Save = (tensors: tf.Tensor[]) => void;

/** Of [rows, columns] every row, with a scale and an offset for each column. */
const normalizeRows = (epsilon: number) =>
  tf.customGrad((...inputs: (tf.Tensor | Save)[]) => {
    const [x, scale, offset, save] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, Save];
    save([x, scale]);
    return {
      value: registeredWithSimd(LAYER_NORMALIZATION)
        ? tf.engine().runKernel<tf.Tensor>(LAYER_NORMALIZATION, { x, scale, offset }, { epsilon })
        : tf.add(tf.mul(normalized(x, epsilon).values, scale), offset),
      gradFunc: (dy: tf.Tensor, [x, scale]: tf.Tensor[]) => {
        if (!ownGradient(LAYER_NORMALIZATION_BACKWARD)) return backward(dy, x, scale, epsilon);
        return tf
          .engine()
          .runKernel<tf.Tensor[]>(LAYER_NORMALIZATION_BACKWARD, { dy, x: x, scale: scale }, { epsilon });
      },
    };
  });

/** x̂ of every row, and r. */
function normalized(x: tf.Tensor, epsilon: number): { values: tf.Tensor; reciprocal: tf.Tensor } {
  const centred = tf.sub(x, tf.mean(x, 1, true));
  const reciprocal = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
  return { values: tf.mul(centred, reciprocal), reciprocal };
}

/** dx, dScale and dOffset. */
function backward(dy: tf.Tensor, x: tf.Tensor, scale: tf.Tensor, epsilon: number): tf.Tensor[] {
  const { values, reciprocal } = normalized(x, epsilon);
  const g = tf.mul(dy, scale);
  const across = tf.mul(values, tf.mean(tf.mul(g, values), 1, true));
  const dx = tf.mul(reciprocal, tf.sub(tf.sub(g, tf.mean(g, 1, true)), across));
  return [dx, tf.sum(tf.mul(dy, values), 0), tf.sum(dy, 0)];
}

export const layerNormalizationKernels: readonly tf.KernelConfig[] = [
  wasmKernel<Tensors<'x' | 'scale' | 'offset'>, { epsilon: number }>(
    LAYER_NORMALIZATION,
    ({ x, scale, offset }, { epsilon }, wasm) => {
      const [rows, columns] = x.shape as [number, number];
      const given = addresses(wasm, [x, scale, offset] as const);
      const y = wasm.makeOutput(x.shape, 'float32');
      simdModule(wasm)!.layerNormalization(...given, wasm.getMemoryOffset(y.dataId), rows, columns, epsilon);
      return y;
    },
  ),
  wasmKernel<Tensors<'dy' | 'x' | 'scale'>, { epsilon: number }>(
    LAYER_NORMALIZATION_BACKWARD,
    ({ dy, x, scale }, { epsilon }, wasm) => {
      const [rows, columns] = x.shape as [number, number];
      const given = addresses(wasm, [dy, x, scale] as const);
      const dx = wasm.makeOutput(x.shape, 'float32');
      const dScale = wasm.makeOutput([columns], 'float32');
      const dOffset = wasm.makeOutput([columns], 'float32');
      const scratch = wasm.makeOutput([6 * columns], 'float32');
      const made = addresses(wasm, [dx, dScale, dOffset, scratch] as const);
      simdModule(wasm)!.layerNormalizationBackward(...given, ...made, rows, columns, epsilon);
      wasm.disposeData(scratch.dataId);
      return [dx, dScale, dOffset];
    },
  ),
];
