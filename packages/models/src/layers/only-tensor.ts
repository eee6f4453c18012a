import type * as tf from '@tensorflow/tfjs-core';

/** The input of a layer that takes one tensor; tfjs hands it over alone or in an array. */
export const onlyTensor = (inputs: tf.Tensor | tf.Tensor[]): tf.Tensor => (Array.isArray(inputs) ? inputs[0] : inputs);
