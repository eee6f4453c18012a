import * as tf from '@tensorflow/tfjs-core';
import type { Outputs } from './kernel';

/** What every backend of tfjs has. */
interface Backend {
  write(values: Float32Array, shape: number[], dtype: 'float32'): object;
  disposeData(dataId: object): boolean;
  incRef(dataId: object): void;
}

/** Runs a kernel on the backend whose kernel is being composed: one of its own by name, or any that is given. */
export type RunKernel = <Inputs extends object = tf.NamedTensorInfoMap>(
  kernel: string | ((inputs: Inputs) => Outputs),
  inputs: Inputs,
  attributes?: object,
) => tf.TensorInfo;

/** Makes a constant on that backend. */
export type MakeFloats = (values: Float32Array, shape: number[]) => tf.TensorInfo;

/** The body of a kernel that is made of others of its backend; what they give is disposed of, but for the result. */
export function composed(
  backendName: string,
  kernelBackend: object,
  compose: (run: RunKernel, floats: MakeFloats) => tf.TensorInfo,
): tf.TensorInfo {
  const backend = kernelBackend as Backend;
  const made: tf.TensorInfo[] = [];
  const keep = (info: tf.TensorInfo): tf.TensorInfo => {
    made.push(info);
    return info;
  };
  const result = compose(
    (kernel, inputs, attributes = {}) => {
      if (typeof kernel !== 'string') return keep(kernel(inputs) as tf.TensorInfo);
      const args = { inputs: inputs as tf.NamedTensorInfoMap, backend, attrs: attributes as tf.NamedAttrMap };
      return keep(tf.getKernel(kernel, backendName).kernelFunc(args) as tf.TensorInfo);
    },
    (values, shape) => keep({ dataId: backend.write(values, shape, 'float32'), shape, dtype: 'float32' }),
  );
  const own = made.findIndex(({ dataId }) => dataId === result.dataId);
  for (const [i, { dataId }] of made.entries()) if (i !== own) backend.disposeData(dataId);
  // An input that is handed back is one more reference to its data.
  if (own < 0) backend.incRef(result.dataId);
  return result;
}
