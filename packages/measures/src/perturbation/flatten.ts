import * as tf from '@tensorflow/tfjs-core';
import type { OpenModel } from '../subject/open-model';
import type { Displacement } from './displacement';

/** The number of parameters in scope. */
export function dimensionOf(subject: OpenModel): number {
  return subject.parameters.reduce((sum, { centre }) => sum + centre.size, 0);
}

/** One tensor for each parameter in scope, from their entries one after another. */
export function toDisplacement(subject: OpenModel, flat: ArrayLike<number>): tf.Tensor[] {
  let offset = 0;
  return subject.parameters.map(({ centre }) => {
    const start = offset;
    offset += centre.size;
    return tf.tensor(
      Float32Array.from({ length: centre.size }, (_, i) => flat[start + i]),
      centre.shape,
    );
  });
}

/** All entries one after another, in float64; disposes the tensors. */
export async function toFlat(displacement: Displacement): Promise<Float64Array> {
  const flat = new Float64Array(displacement.reduce((sum, part) => sum + part.size, 0));
  try {
    const values = await Promise.all(displacement.map((part) => part.data()));
    let offset = 0;
    for (const value of values) {
      flat.set(value, offset);
      offset += value.length;
    }
    return flat;
  } finally {
    tf.dispose([...displacement]);
  }
}
