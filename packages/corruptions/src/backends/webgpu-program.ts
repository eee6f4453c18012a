import * as tf from '@tensorflow/tfjs-core';

/** What is needed of tfjs-backend-webgpu's `WebGPUBackend`, which stays an optional peer. */
interface WebGPUBackend {
  runWebGPUProgram(
    program: object,
    inputs: readonly tf.TensorInfo[],
    dtype: tf.DataType,
    uniforms: readonly { readonly type: 'int32' | 'float32'; readonly data: number[] }[],
  ): tf.TensorInfo;
}

export interface Program {
  /** Names the code: programs of one key have the same code. */
  readonly key: string;
  /** Tensors or typed arrays; each is a flat array of the code, i32 or f32. Typed arrays are uploaded. */
  readonly inputs: Readonly<Record<string, tf.Tensor | Int32Array | Float32Array>>;
  /** What the code finds in `uniforms` next to `size`, the number of elements of the result. */
  readonly integers?: Readonly<Record<string, number>>;
  readonly floats?: Readonly<Record<string, number>>;
  readonly shape: readonly number[];
  readonly dtype?: 'float32' | 'int32';
  /** Runs as many invocations; default: one for each element of the result. */
  readonly invocations?: number;
  /** Declares `fn main(index : i32)`, which writes to the flat array `result`. */
  readonly code: string;
}

const WORKGROUP = 64;
const MOST_WORKGROUPS = 65535;

/** Runs a WGSL program on the queue of the webgpu backend, and reads nothing back. */
export function run({
  key,
  inputs,
  integers = {},
  floats = {},
  shape,
  dtype = 'int32',
  invocations,
  code,
}: Program): tf.Tensor {
  const size = tf.util.sizeFromShape([...shape]);
  if (size === 0) return tf.zeros([...shape], dtype);
  const tensors = Object.values(inputs).map((input) => (input instanceof tf.Tensor ? input : tf.tensor1d(input)));
  const groups = Math.ceil((invocations ?? size) / WORKGROUP);
  const side = groups > MOST_WORKGROUPS ? Math.ceil(Math.sqrt(groups)) : 0;
  const names = (fields: object, type: string) => Object.keys(fields).map((name) => `${name} : ${type}, `);
  const backend = tf.backend() as unknown as WebGPUBackend;
  const info = backend.runWebGPUProgram(
    {
      variableNames: Object.keys(inputs),
      uniforms: [...names(integers, 'i32'), ...names(floats, 'f32')].join(''),
      outputShape: [size],
      size: true,
      workgroupSize: [WORKGROUP, 1, 1],
      dispatchLayout: { x: [0] },
      dispatch: side === 0 ? [groups, 1, 1] : [side, side, 1],
      shaderKey: `qgen_corruptions_${key}`,
      getUserCode: () => code,
    },
    tensors.map((tensor) => ({ dataId: tensor.dataId, dtype: tensor.dtype, shape: [tensor.size] })),
    dtype,
    [
      ...Object.values(integers).map((value) => ({ type: 'int32' as const, data: [value] })),
      ...Object.values(floats).map((value) => ({ type: 'float32' as const, data: [value] })),
    ],
  );
  return tf.engine().makeTensorFromTensorInfo({ ...info, shape: [...shape] });
}

/** As `run`, one invocation for each value of a batch of levels, which the code finds in `levels`. */
export function map(images: tf.Tensor4D, program: Omit<Program, 'shape'>): tf.Tensor4D {
  const [, height, width, channels] = images.shape;
  return run({
    ...program,
    inputs: { levels: images, ...program.inputs },
    integers: { height, width, channels, ...program.integers },
    shape: images.shape,
  }) as tf.Tensor4D;
}

/** Arrays of numbers one after the other, as float32. */
export const joined = (arrays: readonly ArrayLike<number>[]) => joinedAs(Float32Array, arrays);

/** Arrays of whole numbers one after the other, as int32. */
export const joinedIntegers = (arrays: readonly ArrayLike<number>[]) => joinedAs(Int32Array, arrays);

function joinedAs<T extends Float32Array | Int32Array>(
  kind: new (length: number) => T,
  arrays: readonly ArrayLike<number>[],
): T {
  const all = new kind(arrays.reduce((size, array) => size + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** The level of x in 0..255, clipped and truncated. */
export const TRUNCATED = 'fn truncated(x : f32) -> i32 { return i32(clamp(x, 0.0, 255.0)); }';

/** The image, row, column and channel of a value. */
export const PLACE = `
  struct Place { image : i32, y : i32, x : i32, channel : i32 }
  fn place(index : i32) -> Place {
    let pixel = index / uniforms.channels;
    let row = pixel / uniforms.width;
    return Place(row / uniforms.height, row % uniforms.height, pixel % uniforms.width, index % uniforms.channels);
  }
  fn at(image : i32, y : i32, x : i32, channel : i32) -> i32 {
    return ((image * uniforms.height + y) * uniforms.width + x) * uniforms.channels + channel;
  }`;

/** More than float32 can be off by, in levels: added, it keeps a constant area from falling by a level. */
export const TIE = 4e-5;
