import { squaredNorm } from '@qgen/core';
import type { Parameter } from './open-model';

/** The centres of all parameters one after another, on the host. */
export async function flatWeights(parameters: readonly Pick<Parameter, 'centre'>[]): Promise<Float32Array> {
  const flat = new Float32Array(parameters.reduce((sum, { centre }) => sum + centre.size, 0));
  const values = await Promise.all(parameters.map(({ centre }) => centre.data()));
  let offset = 0;
  for (const value of values) {
    flat.set(value, offset);
    offset += value.length;
  }
  return flat;
}

/** sqrt(mean v_i^2). */
export function rootMeanSquare(v: ArrayLike<number>): number {
  return Math.sqrt(squaredNorm(v) / v.length);
}
