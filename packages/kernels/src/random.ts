import * as tf from '@tensorflow/tfjs-core';
import { philoxBits, philoxNormals, philoxUniforms, type RandomAddress } from './philox';

/**
 * Random 32-bit integers (dtype int32) from Philox4x32-10, the numbers of `philoxBits`: element i depends only on
 * (seed, stream, offset + i), and is the same on every backend.
 *
 * @throws RangeError if a part of the address is not an integer from 0 to 2^53 - 1
 */
export function randomBits<R extends tf.Rank>(shape: tf.ShapeMap[R], address: RandomAddress): tf.Tensor<R> {
  return tf.tensor(philoxBits(tf.util.sizeFromShape(shape), address), shape, 'int32');
}

/**
 * Random numbers min + u (max - min) with u uniform over the multiples of 2^-24 in [0, 1), the numbers of
 * `philoxUniforms`: addressed as in `randomBits`. With bounds other than 0 and 1 rounding may reach `max` itself.
 *
 * @throws RangeError as `randomBits`, and if min or max is not finite
 */
export function randomUniform<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  { min = 0, max = 1, ...address }: RandomAddress & { readonly min?: number; readonly max?: number },
): tf.Tensor<R> {
  finite('randomUniform', { min, max });
  const values = philoxUniforms(tf.util.sizeFromShape(shape), address);
  if (min !== 0 || max !== 1) for (let i = 0; i < values.length; i++) values[i] = min + values[i]! * (max - min);
  return tf.tensor(values, shape, 'float32');
}

/**
 * Random numbers mean + standardDeviation * n with the standard normal n of `philoxNormals`: addressed as in
 * `randomBits`, and the same on every backend up to that backend's rounding of logarithm, cosine, product and sum.
 *
 * @throws RangeError as `randomBits`, and if mean or standardDeviation is not finite
 */
export function randomNormal<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  {
    mean = 0,
    standardDeviation = 1,
    ...address
  }: RandomAddress & { readonly mean?: number; readonly standardDeviation?: number },
): tf.Tensor<R> {
  finite('randomNormal', { mean, standardDeviation });
  const values = philoxNormals(tf.util.sizeFromShape(shape), address);
  if (mean !== 0 || standardDeviation !== 1)
    for (let i = 0; i < values.length; i++) values[i] = mean + values[i]! * standardDeviation;
  return tf.tensor(values, shape, 'float32');
}

function finite(name: string, numbers: Readonly<Record<string, number>>): void {
  for (const [field, value] of Object.entries(numbers))
    if (!Number.isFinite(value)) throw new RangeError(`${name}: ${field} must be a finite number, got ${value}`);
}
