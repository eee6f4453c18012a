import '../backends/chained-methods';
import '../backends/no-backend';
import { draw, philoxAddress, type RandomAddress, type RandomKind, requireKnownOptions, shown } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { runKernel } from '../backends/run-kernel';
import { nativeRandom } from './native';
import { RANDOM, type RandomAttributes, wasmRandom } from './wasm';
import { webgpuRandom } from './webgpu';

/**
 * Random 32-bit integers (dtype int32) from Philox4x32-10, the numbers of `philoxBits`: element i depends only on
 * (seed, stream, offset + i), and is the same on every backend.
 *
 * @throws TypeError if `shape` is no array; RangeError if a dimension or a part of the address is not an integer from 0 to
 * 2^53 - 1, there are 2^31 elements or more, or an option is unknown
 */
export function randomBits<R extends tf.Rank>(shape: tf.ShapeMap[R], address: RandomAddress): tf.Tensor<R> {
  requireKnownOptions('randomBits', address, ADDRESS);
  return randomTensor('randomBits', 'bits', shape, address, 1, 0);
}

/**
 * Random numbers min + u (max - min) with u uniform over the multiples of 2^-24 in [0, 1), the numbers of
 * `philoxUniforms`: addressed as in `randomBits`. With bounds other than 0 and 1 rounding may reach `max` itself.
 *
 * @throws RangeError as `randomBits`, and if min or max is not finite
 */
export function randomUniform<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  options: RandomAddress & { readonly min?: number; readonly max?: number },
): tf.Tensor<R> {
  requireKnownOptions('randomUniform', options, [...ADDRESS, 'min', 'max']);
  const { min = 0, max = 1, ...address } = options ?? {};
  finite('randomUniform', { min, max });
  return randomTensor('randomUniform', 'uniform', shape, address, max - min, min);
}

/**
 * Random numbers mean + standardDeviation * n with the standard normal n of `philoxNormals`: addressed as in
 * `randomBits`, and the same on every backend up to the rounding of logarithm, cosine, product and sum: n differs by less
 * than 1e-6 (1 + |n|).
 *
 * @throws RangeError as `randomBits`, and if mean or standardDeviation is not finite
 */
export function randomNormal<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  options: RandomAddress & { readonly mean?: number; readonly standardDeviation?: number },
): tf.Tensor<R> {
  requireKnownOptions('randomNormal', options, [...ADDRESS, 'mean', 'standardDeviation']);
  const { mean = 0, standardDeviation = 1, ...address } = options ?? {};
  finite('randomNormal', { mean, standardDeviation });
  return randomTensor('randomNormal', 'normal', shape, address, standardDeviation, mean);
}

const ADDRESS = ['seed', 'stream', 'offset'];
/** tfjs keeps sizes in 32-bit integers. */
const MOST_ELEMENTS = 2 ** 31 - 1;

function finite(name: string, numbers: Readonly<Record<string, number>>): void {
  for (const [field, value] of Object.entries(numbers))
    if (!Number.isFinite(value)) throw new RangeError(`${name}: ${field} must be a finite number, got ${shown(value)}`);
}

/** value * scale + shift, by the backend's own kernel or drawn on the host and uploaded. */
function randomTensor<R extends tf.Rank>(
  name: string,
  kind: RandomKind,
  shape: tf.ShapeMap[R],
  address: RandomAddress,
  scale: number,
  shift: number,
): tf.Tensor<R> {
  const dimensions: readonly number[] = shape;
  if (!Array.isArray(dimensions))
    throw new TypeError(`${name}: shape must be an array of integers, got ${shown(dimensions)}`);
  if (!dimensions.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw new RangeError(`${name}: shape must hold integers of at least 0, got [${dimensions}]`);
  const size = tf.util.sizeFromShape(shape);
  if (size > MOST_ELEMENTS)
    throw new RangeError(`${name}: shape must have fewer than 2^31 elements, got [${dimensions}]; draw it in parts`);
  const place = philoxAddress(name, size, address ?? {});
  const dtype = kind === 'bits' ? 'int32' : 'float32';
  if (size === 0 || !kernelAtHand()) return tf.tensor(draw(kind, size, place, scale, shift), shape, dtype);
  const attributes: RandomAttributes = { ...place, kind, shape: dimensions, scale, shift };
  return runKernel<tf.Tensor<R>>(RANDOM, {}, attributes);
}

/** Whether the active backend has a kernel that draws; ours is registered here, at the first number that is asked for. */
function kernelAtHand(): boolean {
  // Starts the backend where nothing has yet.
  tf.backend();
  const backendName = tf.getBackend();
  if (tf.getKernel(RANDOM, backendName)) return true;
  const ours = [wasmRandom, webgpuRandom, nativeRandom].find((kernel) => kernel.backendName === backendName);
  if (ours) tf.registerKernel(ours);
  return ours !== undefined;
}
