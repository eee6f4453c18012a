import { runWebGPUProgram, type WebGPUBackend, type WebGPUProgram } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';

/** A program of the active backend, which is webgpu. */
export interface Program extends Omit<WebGPUProgram, 'inputs' | 'dtype'> {
  /** Tensors or typed arrays, which are uploaded. */
  readonly inputs: Readonly<Record<string, tf.Tensor | Int32Array | Float32Array>>;
  /** Default 'int32': levels. */
  readonly dtype?: WebGPUProgram['dtype'];
}

/** `runWebGPUProgram` of tensors and typed arrays; a result without elements takes no program. */
export function run({ key, inputs, shape, dtype = 'int32', ...program }: Program): tf.Tensor {
  if (shape.includes(0)) return tf.zeros([...shape], dtype);
  const tensors = Object.entries(inputs).map(([name, input]) => [
    name,
    input instanceof tf.Tensor ? input : tf.tensor1d(input),
  ]);
  const backend = tf.backend() as unknown as WebGPUBackend;
  const on = { ...program, key: `corruptions_${key}`, inputs: Object.fromEntries(tensors), shape, dtype };
  return tf.engine().makeTensorFromTensorInfo(runWebGPUProgram(backend, on));
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
