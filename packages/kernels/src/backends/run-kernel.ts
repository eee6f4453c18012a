import * as tf from '@tensorflow/tfjs-core';

/** Runs a kernel of the active backend, with its gradient; the attributes are an interface of the kernel's own. */
export const runKernel = <Output extends tf.Tensor | tf.Tensor[]>(
  kernelName: string,
  inputs: tf.NamedTensorMap,
  attributes: object = {},
): Output => tf.engine().runKernel<Output>(kernelName, inputs, attributes as tf.NamedAttrMap);
