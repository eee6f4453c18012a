import { randomNormal } from '@qgen/kernels/random';
import * as tf from '@tensorflow/tfjs-core';
import type { OpenModel, Parameter } from '../subject/open-model';

/** How Gaussian noise depends on its scale s and on the weight it falls on. */
export interface Noise {
  /** Standard deviation s everywhere, or sqrt(s^2 w^2 + epsilon^2). */
  readonly magnitudeAware: boolean;
  /** Floor of magnitude-aware noise. */
  readonly epsilon: number;
  /**
   * `'standard'`: s is the standard deviation. `'dziugaite2020'`: the official code's noise, whose standard deviation is
   * what it takes for the variance: s^2, or s^2 w^2 + epsilon^2.
   */
  readonly convention: 'standard' | 'dziugaite2020';
}

/**
 * Moves every parameter of `subject` to centre + u, u of the noise `scale` in draw number `draw`. The standard normal z
 * behind entry i depends on (seed, draw, i) only: one seed gives every model of one architecture the same z.
 */
export function perturb(
  subject: OpenModel,
  noise: Noise & { readonly scale: number },
  { seed, draw }: { readonly seed: number; readonly draw: number },
): void {
  let offset = 0;
  for (const parameter of subject.parameters) {
    const shape = [...parameter.shape];
    const address = { seed, stream: draw, offset };
    tf.tidy(() => {
      if (noise.magnitudeAware) parameter.variable.assign(displaced(parameter, randomNormal(shape, address), noise));
      else {
        const u = randomNormal(shape, { ...address, standardDeviation: plainDeviation(noise) });
        parameter.variable.assign(tf.add(parameter.centre, u));
      }
    });
    offset += parameter.centre.size;
  }
}

/** centre + deviation z, for a given z. */
export function displaced(
  { centre }: Pick<Parameter, 'centre'>,
  z: tf.Tensor,
  noise: Noise & { readonly scale: number },
): tf.Tensor {
  return tf.tidy(() => {
    if (!noise.magnitudeAware) return tf.add(centre, tf.mul(z, plainDeviation(noise)));
    const variance = tf.add(tf.mul(tf.square(centre), noise.scale ** 2), noise.epsilon ** 2);
    return tf.add(centre, tf.mul(z, noise.convention === 'standard' ? tf.sqrt(variance) : variance));
  });
}

function plainDeviation({ scale, convention }: Noise & { readonly scale: number }): number {
  return convention === 'standard' ? scale : scale * scale;
}
