import type * as tf from '@tensorflow/tfjs-core';

/** What kernels need of tfjs-backend-webgpu's `WebGPUBackend`. */
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
export interface Program {
  /** Names the code: programs of one key have the same code. */
  readonly key: string;
  /** Each is an array of the code, flat, whatever the tensor's shape. */
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  /** Integers and floats that the code finds in `uniforms`, integers first. */
  readonly integers?: Readonly<Record<string, number>>;
  readonly floats?: Readonly<Record<string, number>>;
  /** The number of elements of the array `result`. */
  readonly size: number;
  readonly dtype?: 'float32' | 'int32';
  /** How many workgroups of how many invocations run. */
  readonly workgroups: number;
  readonly workgroupSize: number;
  /** Declares `fn main(index : i32)`, which runs once an invocation; `uniforms.size` is `size`. */
  readonly code: string;
}

/** Runs a program on tfjs's queue; the result has the shape [size]. */
export function run(backend: WebGPUBackend, program: Program): tf.TensorInfo {
  const { key, inputs, integers = {}, floats = {}, size, dtype = 'float32', workgroups, workgroupSize, code } = program;
  const fields = [
    ...Object.keys(integers).map((name) => `${name} : i32, `),
    ...Object.keys(floats).map((name) => `${name} : f32, `),
  ];
  const flat = Object.values(inputs).map((tensor) => ({
    ...tensor,
    shape: [tensor.shape.reduce((product, dimension) => product * dimension, 1)],
  }));
  return backend.runWebGPUProgram(
    {
      variableNames: Object.keys(inputs),
      uniforms: fields.join(''),
      outputShape: [size],
      size: true,
      workgroupSize: [workgroupSize, 1, 1],
      dispatchLayout: { x: [0] },
      dispatch: [workgroups, 1, 1],
      shaderKey: `qgen_${key}`,
      getUserCode: () => code,
    },
    flat,
    dtype,
    [
      ...Object.values(integers).map((value) => ({ type: 'int32' as const, data: [value] })),
      ...Object.values(floats).map((value) => ({ type: 'float32' as const, data: [value] })),
    ],
  );
}
