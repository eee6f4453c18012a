import type * as tf from '@tensorflow/tfjs-core';

/** What kernels need of tfjs-backend-cpu's `MathBackendCPU`, written down so that the backend stays an optional peer. */
export interface CpuBackend {
  readonly data: { get(dataId: object): { readonly values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: Float32Array): tf.TensorInfo;
}

/** The values of a float32 tensor. */
export const valuesOf = (cpu: CpuBackend, { dataId }: tf.TensorInfo): Float32Array => cpu.data.get(dataId).values;
