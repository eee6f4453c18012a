import type * as tf from '@tensorflow/tfjs-core';
import type { GradientWrapper } from '../../backends/gradient';
import { nativeKernel } from '../../backends/kernel';
import { recordsGradient, registered } from '../../backends/registered';
import { runKernel } from '../../backends/run-kernel';

const RELU_BACKWARD = 'QGenReluBackward';
const RELU6_BACKWARD = 'QGenRelu6Backward';

/** dx = dy where x > 0 (and x < 6), else 0, by one operation of TensorFlow; tfjs multiplies dy by a step of x. */
const byOperation = (kernelName: string, operation: 'ReluGrad' | 'Relu6Grad'): tf.KernelConfig =>
  nativeKernel<Record<'dy' | 'x', tf.Tensor>>(kernelName, ({ dy, x }, _, node) => {
    const { binding } = node;
    const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
    return node.executeSingleOutput(operation, [type], [dy, x]);
  });

export const reluGradientKernels: readonly tf.KernelConfig[] = [
  byOperation(RELU_BACKWARD, 'ReluGrad'),
  byOperation(RELU6_BACKWARD, 'Relu6Grad'),
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
