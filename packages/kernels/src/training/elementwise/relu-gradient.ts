import * as tf from '@tensorflow/tfjs-core';
import type { GradientWrapper } from '../../backends/gradient-wrapper';
import { NODE_BACKEND, type NodeBackend } from '../../backends/node-backend';
import { recordsGradient, registered } from '../../backends/registered';

const RELU_BACKWARD = 'QGenReluBackward';
const RELU6_BACKWARD = 'QGenRelu6Backward';

/** dx = dy where x > 0 (and x < 6), else 0, by one operation of TensorFlow; tfjs multiplies dy by a step of x. */
const nativeKernel = (kernelName: string, operation: 'ReluGrad' | 'Relu6Grad'): tf.KernelConfig => ({
  kernelName,
  backendName: NODE_BACKEND,
  kernelFunc: ({ inputs, backend }) => {
    const { dy, x } = inputs as { dy: tf.Tensor; x: tf.Tensor };
    const { binding, executeSingleOutput } = backend as NodeBackend;
    const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
    return executeSingleOutput.call(backend, operation, [type], [dy, x]);
  },
});

export const reluGradientKernels: readonly tf.KernelConfig[] = [
  nativeKernel(RELU_BACKWARD, 'ReluGrad'),
  nativeKernel(RELU6_BACKWARD, 'Relu6Grad'),
];

const byKernel = (kernelName: 'Relu' | 'Relu6', backward: string): GradientWrapper => ({
  kernelName,
  wrap: (stock) => ({
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const [x] = saved as [tf.Tensor];
      if (x.dtype !== 'float32' || recordsGradient() || !registered(backward)) return stock.gradFunc(dy, saved, attrs);
      return { x: () => tf.engine().runKernel(backward, { dy: dy as tf.Tensor, x }) };
    },
  }),
});

export const reluGradients: readonly GradientWrapper[] = [
  byKernel('Relu', RELU_BACKWARD),
  byKernel('Relu6', RELU6_BACKWARD),
];
