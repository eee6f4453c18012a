import * as tf from '@tensorflow/tfjs-core';
import { type KernelWrapper, type Tensors, wasmWrapper } from '../../backends/kernel';
import { simdModule } from '../../backends/simd-module';
import { addresses } from '../../backends/wasm-backend';

/** The numbers of the operations in the SIMD module: of the whole tensor and the repeated one, and the other way around. */
const operations = {
  Add: [0, 0],
  Sub: [1, 2],
  Multiply: [3, 3],
  RealDiv: [4, 5],
  Maximum: [6, 6],
  Minimum: [7, 7],
} as const;

/**
 * Operations of two float32 tensors on wasm of which one is repeated along neighbouring axes of the other: a number, the
 * values of a channel, those of an image, or one for every row. Narrow rows cost tfjs-backend-wasm twice as much as wide
 * ones. Its maximum and minimum take 4 to 100 times as long as a sum, of equal shapes too.
 */
export const broadcasts: readonly KernelWrapper[] = Object.entries(operations).map(
  ([kernelName, [straight, swapped]]) =>
    wasmWrapper<Tensors<'a' | 'b'>>(kernelName, ({ a, b }, _, wasm, stock) => {
      const simd = simdModule(wasm);
      if (!simd || a.dtype !== 'float32' || b.dtype !== 'float32') return stock();
      const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
      const size = tf.util.sizeFromShape(shape);
      const [whole, repeated] = tf.util.sizeFromShape(a.shape) === size ? [a, b] : [b, a];
      const lengths = size > 0 && tf.util.sizeFromShape(whole.shape) === size && repetition(shape, repeated.shape);
      const itself = kernelName !== 'Maximum' && kernelName !== 'Minimum';
      if (!lengths || (lengths[1] === 1 && itself)) return stock();
      const from = addresses(wasm, [whole, repeated] as const);
      const out = wasm.makeOutput(shape, 'float32');
      simd.broadcast(whole === a ? straight : swapped, ...from, wasm.getMemoryOffset(out.dataId), ...lengths);
      return out;
    }),
);

/**
 * How a tensor is repeated to fill `shape`: [outer, middle, inner], the product of the axes before those along which it is
 * repeated, of these, and of those after them. Undefined where other axes lie between them. Of equal shapes, [1, 1, size].
 */
function repetition(shape: readonly number[], repeated: readonly number[]): [number, number, number] | undefined {
  const product: [number, number, number] = [1, 1, 1];
  const ahead = shape.length - repeated.length;
  let part = 0;
  for (const [axis, length] of shape.entries()) {
    if (length === 1) continue;
    const repeats = (axis < ahead ? 1 : repeated[axis - ahead]) === 1;
    if (repeats !== (part === 1)) part++;
    if (part > 2) return undefined;
    product[part] *= length;
  }
  return part === 0 ? [1, 1, product[0]] : product;
}
