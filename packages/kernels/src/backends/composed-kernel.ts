import * as tf from '@tensorflow/tfjs-core';

/** What every backend of tfjs has. */
interface Backend {
  write(values: Float32Array, shape: number[], dtype: 'float32'): object;
  disposeData(dataId: object): boolean;
  incRef(dataId: object): void;
}

/** Runs a kernel, by its name on the backend whose kernel is being composed. */
export type RunKernel = (
  kernel: string | tf.KernelFunc,
  inputs: tf.NamedTensorInfoMap,
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
      const kernelFunc = typeof kernel === 'string' ? tf.getKernel(kernel, backendName).kernelFunc : kernel;
      return keep(kernelFunc({ inputs, backend, attrs: attributes as tf.NamedAttrMap }) as tf.TensorInfo);
    },
    (values, shape) => keep({ dataId: backend.write(values, shape, 'float32'), shape, dtype: 'float32' }),
  );
  const own = made.findIndex(({ dataId }) => dataId === result.dataId);
  for (const [i, { dataId }] of made.entries()) if (i !== own) backend.disposeData(dataId);
  // An input that is handed back is one more reference to its data.
  if (own < 0) backend.incRef(result.dataId);
  return result;
}
