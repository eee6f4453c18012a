import type { WebGPUBackend } from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { CpuBackend } from './cpu-backend';
import { NODE_BACKEND, type NodeBackend } from './node-backend';
import type { WasmBackend } from './wasm-backend';

/** The inputs of a kernel, by the names that tfjs gives them. */
export type Tensors<Names extends string> = Readonly<Record<Names, tf.TensorInfo>>;

/** A kernel's result, or its results in their order. */
export type Outputs = tf.TensorInfo | tf.TensorInfo[];

/** The kernels of one backend, each its name and its body; tfjs knows nothing of the types of inputs and attributes. */
export function kernelsOf<Backend>(backendName: string) {
  return <Inputs, Attributes = unknown>(
    kernelName: string,
    body: (inputs: Inputs, attributes: Attributes, backend: Backend) => Outputs,
  ): tf.KernelConfig => ({
    kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs = {}, backend }) =>
      body(inputs as unknown as Inputs, attrs as unknown as Attributes, backend as Backend),
  });
}

export const cpuKernel = kernelsOf<CpuBackend>('cpu');
export const wasmKernel = kernelsOf<WasmBackend>('wasm');
export const webgpuKernel = kernelsOf<WebGPUBackend>('webgpu');
export const nativeKernel = kernelsOf<NodeBackend>(NODE_BACKEND);

/** A kernel that leaves some cases to the one of the same name that the backend has. */
export interface KernelWrapper {
  readonly kernelName: string;
  readonly backendName: string;
  readonly wrap: (stock: tf.KernelFunc) => tf.KernelFunc;
}

/** The backend's own kernel: on what came in, or on other inputs and attributes. */
export type Stock<Inputs, Attributes> = (inputs?: Inputs, attributes?: Attributes) => Outputs;

/** As `kernelsOf`, for kernels that may call the one in whose place they stand. */
export function wrappersOf<Backend>(backendName: string) {
  return <Inputs, Attributes = unknown>(
    kernelName: string,
    body: (inputs: Inputs, attributes: Attributes, backend: Backend, stock: Stock<Inputs, Attributes>) => Outputs,
  ): KernelWrapper => ({
    kernelName,
    backendName,
    wrap:
      (stock) =>
      ({ inputs, attrs = {}, backend }) => {
        const given = inputs as unknown as Inputs;
        const attributes = attrs as unknown as Attributes;
        return body(given, attributes, backend as Backend, (others = given, changed = attributes) =>
          stock({ inputs: others as tf.NamedTensorInfoMap, backend, attrs: changed as tf.NamedAttrMap }),
        );
      },
  });
}

export const cpuWrapper = wrappersOf<CpuBackend>('cpu');
export const wasmWrapper = wrappersOf<WasmBackend>('wasm');
export const nativeWrapper = wrappersOf<NodeBackend>(NODE_BACKEND);
