import { philoxAddress } from '@qgen/core';
import { randomNormal, randomUniform } from '@qgen/kernels';
import type * as tf from '@tensorflow/tfjs-core';
import { initializers } from '@tensorflow/tfjs-layers';

/** The initializer that a layer of tfjs draws the first values of a weight with. */
export type Initializer = ReturnType<typeof initializers.zeros>;

/**
 * Initializers whose values are Philox numbers (`randomNormal`, `randomUniform` of `@qgen/kernels`) of the seed, each with
 * a stream of its own in the order in which they are asked for: the same seed gives the same weights.
 *
 * A layer is saved with tfjs's own initializer of the same distribution, so that a saved model of stock layers
 * loads where this package is not.
 */
export interface Draws {
  /** Mean 0 and the given standard deviation. */
  readonly normal: (standardDeviation: number) => Initializer;
  /** Uniform between -bound and bound. */
  readonly uniform: (bound: number) => Initializer;
}

/** @throws RangeError, in the caller's name, if the seed is no integer from 0 to 2^53 - 1 */
export function draws(caller: string, seed: number): Draws {
  philoxAddress(caller, 0, { seed });
  let streams = 0;
  return {
    normal: (standardDeviation) => {
      const stream = streams++;
      return drawing(initializers.randomNormal({ mean: 0, stddev: standardDeviation }), (shape) =>
        randomNormal(shape, { standardDeviation, seed, stream }),
      );
    },
    uniform: (bound) => {
      const stream = streams++;
      return drawing(initializers.randomUniform({ minval: -bound, maxval: bound }), (shape) =>
        randomUniform(shape, { min: -bound, max: bound, seed, stream }),
      );
    },
  };
}

/** tfjs takes only instances of its own class for initializers, so this is one with another way to draw. */
const drawing = (stock: Initializer, draw: (shape: number[]) => tf.Tensor): Initializer =>
  Object.assign(stock, { apply: (shape: (number | null)[]) => draw(shape as number[]) });
