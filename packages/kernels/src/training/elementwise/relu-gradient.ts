import * as tf from '@tensorflow/tfjs-core';
import type { GradientWrapper } from '../../backends/gradient';
import { nativeKernel } from '../../backends/kernel';
import type { NodeBackend } from '../../backends/node-backend';
import { recordsGradient, registered } from '../../backends/registered';
import { runKernel } from '../../backends/run-kernel';

const RELU_BACKWARD = 'QGenReluBackward';
const RELU6_BACKWARD = 'QGenRelu6Backward';

type Inputs = Record<'dy' | 'x', tf.Tensor>;

/** dx = dy where x > 0, else 0, by one operation of TensorFlow; tfjs multiplies dy by a step of x. */
const reluGrad = (node: NodeBackend, dy: tf.Tensor, x: tf.Tensor): tf.Tensor => {
  const { binding } = node;
  const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
  return node.executeSingleOutput('ReluGrad', [type], [dy, x]);
};

export const reluGradientKernels: readonly tf.KernelConfig[] = [
  nativeKernel<Inputs>(RELU_BACKWARD, ({ dy, x }, _, node) => reluGrad(node, dy, x)),
  // 0 < x < 6 where min(x, 6 - x) > 0. TensorFlow's own Relu6Grad takes twice as long as these three operations.
  nativeKernel<Inputs>(RELU6_BACKWARD, ({ dy, x }, _, node) =>
    tf.tidy(() => reluGrad(node, dy, tf.minimum(x, tf.sub(6, x)))),
  ),
];

const byKernel = (kernelName: 'Relu' | 'Relu6', backward: string): GradientWrapper => ({
  kernelName,
  wrap: (stock) => ({
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const [x] = saved as [tf.Tensor];
      if (x.dtype !== 'float32' || recordsGradient() || !registered(backward)) return stock.gradFunc(dy, saved, attrs);
      return { x: () => runKernel(backward, { dy: dy as tf.Tensor, x }) };
    },
  }),
});

export const reluGradients: readonly GradientWrapper[] = [
  byKernel('Relu', RELU_BACKWARD),
  byKernel('Relu6', RELU6_BACKWARD),
];
