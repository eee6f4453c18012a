import { philoxBits, philoxNormals, philoxUniforms } from '@qgen/core';
import { randomBits, randomNormal, randomUniform } from '@qgen/kernels/random';
import * as tf from '@tensorflow/tfjs-core';
import { type CorruptionName, NAMES, type Severity } from '../options/severities';

/** The random numbers of one image, in the order in which they are asked for. */
export interface ImageStream {
  /** n random 32-bit integers. */
  bits(n: number): Int32Array;
  /** n standard normals. */
  normals(n: number): Float32Array;
  /** n uniforms in [0, 1), multiples of 2⁻²⁴. */
  uniforms(n: number): Float32Array;
  /** n uniforms in [-1, 1). */
  symmetric(n: number): Float32Array;
  /** One uniform in [low, high). */
  uniform(low: number, high: number): number;
}

/** How many numbers a corruption has at each severity of an image. */
const PART = 2 ** 44;

/**
 * The stream of image `index` for one corruption at one severity, 0 for parameters of the caller's own: a part of its own
 * of the Philox sequence at (seed, stream = index), from (8 · place of the corruption in `NAMES` + severity) · 2⁴⁴ on,
 * and in it each request on blocks of its own.
 *
 * Corruptions draw apart, so that their noises add like independent ones. Severities do as well, as in the published
 * data, of which every severity was drawn anew: an average over five severities is one over five draws. Where
 * severities shall differ in nothing but their strength, `drawFields` gives what all of them can be given.
 */
export function imageStream(seed: number, index: number, name: CorruptionName, severity: Severity | 0): ImageStream {
  let offset = (8 * NAMES.indexOf(name) + severity) * PART;
  const next = (n: number) => {
    const address = { seed, stream: index, offset };
    offset += 4 * Math.ceil(n / 4);
    return address;
  };
  const uniforms = (n: number) =>
    drawnFaster(n) ? read<Float32Array>(randomUniform([n], next(n))) : philoxUniforms(n, next(n));
  return {
    bits: (n) => (drawnFaster(n) ? read<Int32Array>(randomBits([n], next(n))) : philoxBits(n, next(n))),
    normals: (n) => (drawnFaster(n) ? read<Float32Array>(randomNormal([n], next(n))) : philoxNormals(n, next(n))),
    uniforms,
    symmetric(n) {
      if (drawnFaster(n)) return read<Float32Array>(randomUniform([n], { ...next(n), min: -1, max: 1 }));
      return uniforms(n).map((u) => 2 * u - 1);
    },
    uniform: (low, high) => low + (high - low) * uniforms(1)[0],
  };
}

/** These backends draw many numbers faster than a loop here, and give them back at once. */
const drawnFaster = (n: number) => n >= 256 && ['wasm', 'tensorflow'].includes(tf.getBackend());

function read<T extends Float32Array | Int32Array>(drawn: tf.Tensor): T {
  const values = drawn.dataSync() as T;
  drawn.dispose();
  return values;
}
