import * as tf from '@tensorflow/tfjs-core';
import type { GradientWrapper } from '../../backends/gradient';
import { nativeKernel, type Tensors, wasmKernel } from '../../backends/kernel';
import { NODE_BACKEND, type NodeBackend } from '../../backends/node-backend';
import { recordsGradient, registered, registeredWithSimd } from '../../backends/registered';
import { runKernel } from '../../backends/run-kernel';
import { simdModule } from '../../backends/simd-module';
import { addresses } from '../../backends/wasm-backend';

const RELU_BACKWARD = 'QGenReluBackward';
const RELU6_BACKWARD = 'QGenRelu6Backward';

type Inputs = Record<'dy' | 'x', tf.Tensor>;

/** dx = dy where x > 0, else 0, by one operation of TensorFlow; tfjs multiplies dy by a step of x. */
const reluGrad = (node: NodeBackend, dy: tf.Tensor, x: tf.Tensor): tf.Tensor => {
  const { binding } = node;
  const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
  return node.executeSingleOutput('ReluGrad', [type], [dy, x]);
};

/** The same in one pass of the SIMD module. */
const inOnePass = (kernelName: string, high: number): tf.KernelConfig =>
  wasmKernel<Tensors<'dy' | 'x'>>(kernelName, ({ dy, x }, _, wasm) => {
    const from = addresses(wasm, [dy, x] as const);
    const dx = wasm.makeOutput(x.shape, 'float32');
    simdModule(wasm)!.reluBackward(...from, wasm.getMemoryOffset(dx.dataId), tf.util.sizeFromShape(x.shape), high);
    return dx;
  });

export const reluGradientKernels: readonly tf.KernelConfig[] = [
  nativeKernel<Inputs>(RELU_BACKWARD, ({ dy, x }, _, node) => reluGrad(node, dy, x)),
  // 0 < x < 6 where min(x, 6 - x) > 0. TensorFlow's own Relu6Grad takes twice as long as these three operations.
  nativeKernel<Inputs>(RELU6_BACKWARD, ({ dy, x }, _, node) =>
    tf.tidy(() => reluGrad(node, dy, tf.minimum(x, tf.sub(6, x)))),
  ),
  inOnePass(RELU_BACKWARD, Number.POSITIVE_INFINITY),
  inOnePass(RELU6_BACKWARD, 6),
];

/** Whether the active backend has one of these kernels and may run it: no second gradient is to be taken. */
function inOneOperation(kernelName: string): boolean {
  if (recordsGradient()) return false;
  return tf.getBackend() === NODE_BACKEND ? registered(kernelName) : registeredWithSimd(kernelName);
}

const byKernel = (kernelName: 'Relu' | 'Relu6', backward: string, goesFor: () => boolean): GradientWrapper => ({
  kernelName,
  wrap: (stock) => ({
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const [x] = saved as [tf.Tensor];
      if (x.dtype !== 'float32' || !goesFor() || !inOneOperation(backward)) return stock.gradFunc(dy, saved, attrs);
      return { x: () => runKernel(backward, { dy: dy as tf.Tensor, x }) };
    },
  }),
});

export const reluGradients: readonly GradientWrapper[] = [
  byKernel('Relu', RELU_BACKWARD, () => true),
  // But for TensorFlow, `tf.relu6` lets dy through at exactly 6.
  byKernel('Relu6', RELU6_BACKWARD, () => tf.getBackend() === NODE_BACKEND),
];

type Save = (tensors: tf.Tensor[]) => void;

/**
 * min(6, max(0, x)) with the gradient dy where 0 < x < 6 and 0 elsewhere, at exactly 0 and 6 too: that of tfjs-layers, which
 * takes a minimum of a rectifier, of TensorFlow and of PyTorch.
 */
export const relu6 = tf.customGrad((...inputs: (tf.Tensor | Save)[]) => {
  const [x, save] = inputs as [tf.Tensor, Save];
  save([x]);
  return {
    value: tf.relu6(x),
    gradFunc: (dy: tf.Tensor, [x]: tf.Tensor[]) =>
      inOneOperation(RELU6_BACKWARD)
        ? runKernel<tf.Tensor>(RELU6_BACKWARD, { dy, x })
        : tf.mul(dy, tf.mul(tf.step(x), tf.step(tf.sub(6, x)))),
  };
});
