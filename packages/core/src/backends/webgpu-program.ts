import type * as tf from '@tensorflow/tfjs-core';

/** The members of tfjs-backend-webgpu's `WebGPUBackend` that are used, written down so that it stays an optional peer. */
export interface WebGPUBackend {
  runWebGPUProgram(
    program: object,
    inputs: readonly tf.TensorInfo[],
    dtype: tf.DataType,
    uniforms?: readonly { readonly type: 'int32' | 'float32'; readonly data: number[] }[],
  ): tf.TensorInfo;
  makeTensorInfo(shape: number[], dtype: tf.DataType, values?: Float32Array): tf.TensorInfo;
  disposeData(dataId: object): boolean;
}

/** A WGSL program over flat arrays. */
export interface WebGPUProgram {
  /** Names the code: programs of one key have the same code. */
  readonly key: string;
  /** Each is a flat array of the code, i32 or f32, whatever the tensor's shape. */
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  /** Integers and floats that the code finds in `uniforms`, next to `size`. */
  readonly integers?: Readonly<Record<string, number>>;
  readonly floats?: Readonly<Record<string, number>>;
  /** Of the result; `uniforms.size` is its number of elements, at least one. */
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  /** How many invocations of `main` are wanted; as many as fill whole workgroups run. Default: one for each element. */
  readonly invocations?: number;
  readonly workgroupSize?: number;
  /** Declares `fn main(index : i32)`, which writes to the flat array `result`. */
  readonly code: string;
}

/** Runs a program on the queue of the backend and reads nothing back. */
export function runWebGPUProgram(backend: WebGPUBackend, program: WebGPUProgram): tf.TensorInfo {
  const { key, inputs, integers = {}, floats = {}, shape, dtype, workgroupSize = 64, code } = program;
  const size = sizeOf(shape);
  const { invocations = size } = program;
  const fields = [
    ...Object.keys(integers).map((name) => `${name} : i32, `),
    ...Object.keys(floats).map((name) => `${name} : f32, `),
  ];
  const made = backend.runWebGPUProgram(
    {
      variableNames: Object.keys(inputs),
      uniforms: fields.join(''),
      outputShape: [size],
      size: true,
      workgroupSize: [workgroupSize, 1, 1],
      dispatchLayout: { x: [0] },
      // The backend spreads more workgroups than a dimension takes over the others.
      dispatch: [Math.ceil(invocations / workgroupSize), 1, 1],
      shaderKey: `qgen_${key}`,
      getUserCode: () => code,
    },
    Object.values(inputs).map((tensor) => ({ ...tensor, shape: [sizeOf(tensor.shape)] })),
    dtype,
    [
      ...Object.values(integers).map((value) => ({ type: 'int32' as const, data: [value] })),
      ...Object.values(floats).map((value) => ({ type: 'float32' as const, data: [value] })),
    ],
  );
  return { ...made, shape: [...shape] };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, dimension) => product * dimension, 1);
