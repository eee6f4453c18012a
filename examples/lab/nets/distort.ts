import { type CorruptionName, corrupt } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import { type Distorted, type Picture, SIDE } from '../protocol';
import type { Examples } from './digits';

/** A picture, or the example of that number, before and after a corruption. */
export async function distort(
  picture: Picture | number,
  { xs, ys }: Examples,
  { name, severity }: { readonly name: CorruptionName; readonly severity: number },
): Promise<Distorted> {
  const example = typeof picture === 'number' ? picture % ys.length : null;
  const clean = tf.tidy(() =>
    tf.reshape(example === null ? tf.tensor1d(picture as Picture) : tf.slice(xs, example, 1), [SIDE, SIDE, 1]),
  ) as tf.Tensor3D;
  const image = corrupt(clean, name, { severity, preset: 'cifar-c', seed: 1 });
  try {
    const [before, after] = await Promise.all([clean.data(), image.data()]);
    return {
      clean: Float32Array.from(before),
      corrupted: Float32Array.from(after),
      label: example === null ? null : ys[example],
    };
  } finally {
    tf.dispose([clean, image]);
  }
}
