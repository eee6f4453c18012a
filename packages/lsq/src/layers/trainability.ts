import type * as tf from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';

/** A weight whose `variable.trainable` is decided here. */
export interface Governed {
  readonly weight: LayerVariable;
  readonly variable: tf.Variable;
}

const conditions = new WeakMap<tf.Variable, (() => boolean)[]>();

/**
 * Makes `trainable` of a weight's variable true only where its own flag and `permitted` say so, whenever it is asked. Of
 * several calls for one weight all have to permit it.
 *
 * Optimizers ask the variable: with a list, as `fit` has from `compile`, and without one. The flag alone would not do, as
 * `compile` of a Sequential sets it on every weight of its layers.
 */
export function governTrainability(weight: LayerVariable, permitted: () => boolean): Governed {
  const variable = weight.read() as tf.Variable;
  const known = conditions.get(variable);
  if (known) known.push(permitted);
  else {
    const all = [permitted];
    let flag = variable.trainable;
    conditions.set(variable, all);
    Object.defineProperty(variable, 'trainable', {
      get: () => flag && all.every((permits) => permits()),
      set: (value: boolean) => {
        flag = value;
      },
      enumerable: true,
      configurable: true,
    });
  }
  return { weight, variable };
}
