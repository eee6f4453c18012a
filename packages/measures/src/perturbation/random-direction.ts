import { randomNormal, randomUniform } from '@qgen/kernels/random';
import * as tf from '@tensorflow/tfjs-core';
import type { OpenModel } from '../subject/open-model';
import type { Displacement } from './displacement';

/**
 * Independent random numbers for every entry of the parameters in scope, `'normal'` N(0, 1) or `'uniform'` U(-1, 1).
 * Entry i of the flattened parameters depends only on (seed, draw, i), so models of one architecture share their draws.
 */
export function randomDirection(
  subject: OpenModel,
  { seed, draw, law }: { readonly seed: number; readonly draw: number; readonly law: 'normal' | 'uniform' },
): Displacement {
  let offset = 0;
  return subject.parameters.map(({ centre: { shape } }) => {
    const address = { seed, stream: draw, offset };
    offset += tf.util.sizeFromShape(shape);
    return law === 'normal' ? randomNormal(shape, address) : randomUniform(shape, { ...address, min: -1, max: 1 });
  });
}
