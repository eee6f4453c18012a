import * as tf from '@tensorflow/tfjs-core';
import { type Tensors, wasmKernel } from '../../backends/kernel';
import { ownGradient, registeredWithSimd } from '../../backends/registered';
import { requireTensors } from '../../backends/require-tensors';
import { simdModule } from '../../backends/simd-module';
import { addresses } from '../../backends/wasm-backend';

const GELU = 'QGenGelu';
const GELU_BACKWARD = 'QGenGeluBackward';

/**
 * The Gaussian error linear unit, Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), section 2, elementwise:
 *
 *     gelu(x) = x Φ(x),   Φ(x) = (1 + erf(x / √2)) / 2,   dx = dy (Φ(x) + x φ(x)),   φ(x) = exp(−x² / 2) / √(2π)
 *
 * with `tf.erf`, which is right to 1.5e-7. `x` is float32 of any shape, also an empty one; NaN stays NaN. The gradient keeps
 * x and nothing else. `registerKernels()` puts it behind the activation `'gelu'` of tfjs-layers too.
 *
 * @throws TypeError if `x` is not a float32 tensor
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  requireTensors('gelu', { x });
  return unit(x) as T;
}

const unit = tf.customGrad((...inputs: (tf.Tensor | Save)[]) => {
  const [x, save] = inputs as [tf.Tensor, Save];
  save([x]);
  return {
    value: registeredWithSimd(GELU) ? tf.engine().runKernel<tf.Tensor>(GELU, { x }) : tf.mul(x, cdf(x)),
    gradFunc: (dy: tf.Tensor, [x]: tf.Tensor[]) =>
      ownGradient(GELU_BACKWARD) ? tf.engine().runKernel<tf.Tensor>(GELU_BACKWARD, { dy, x: x }) : timesSlope(dy, x),
  };
});

type Save = (tensors: tf.Tensor[]) => void;

/** Φ(x) */
const cdf = (x: tf.Tensor): tf.Tensor => tf.mul(0.5, tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));

/** dy (Φ(x) + x φ(x)) */
function timesSlope(dy: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return tf.mul(dy, tf.add(cdf(x), tf.mul(x, density)));
}

export const geluKernels: readonly tf.KernelConfig[] = [
  wasmKernel<Tensors<'x'>>(GELU, ({ x }, _, wasm) => {
    const from = wasm.getMemoryOffset(x.dataId);
    const y = wasm.makeOutput(x.shape, 'float32');
    simdModule(wasm)!.gelu(from, wasm.getMemoryOffset(y.dataId), tf.util.sizeFromShape(x.shape));
    return y;
  }),
  wasmKernel<Tensors<'dy' | 'x'>>(GELU_BACKWARD, ({ dy, x }, _, wasm) => {
    const from = addresses(wasm, [dy, x] as const);
    const dx = wasm.makeOutput(x.shape, 'float32');
    simdModule(wasm)!.geluBackward(...from, wasm.getMemoryOffset(dx.dataId), tf.util.sizeFromShape(x.shape));
    return dx;
  }),
];
