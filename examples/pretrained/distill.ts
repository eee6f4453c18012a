/** Answers of networks, how far they lie from those of another, and training towards them. */
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Images of 0 to 1 as a network takes them. */
export type Normalize = (images: tf.Tensor4D) => tf.Tensor4D;

const AT_ONCE = 4;

/** The logits of images, [images, classes], computed a few images at a time. */
export function logitsOf(model: LayersModel, images: tf.Tensor4D, normalize: Normalize): tf.Tensor2D {
  return tf.tidy(() => {
    const parts = Array.from({ length: Math.ceil(images.shape[0] / AT_ONCE) }, (_, i) => {
      const count = Math.min(AT_ONCE, images.shape[0] - i * AT_ONCE);
      return tf.tidy(() => model.apply(normalize(tf.slice(images, i * AT_ONCE, count)), {}) as tf.Tensor2D);
    });
    return tf.concat(parts);
  });
}

export interface Agreement {
  /** The share of images with the same answer, the greatest logit. */
  readonly sameAnswer: number;
  /** The root mean square of the differences over that of the reference: 0 is equal, 1 is what zeros would have. */
  readonly error: number;
}

export function agreement(logits: tf.Tensor2D, reference: tf.Tensor2D): Agreement {
  return tf.tidy(() => {
    const same = tf.mean(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(reference, 1)), 'float32'));
    const ratio = tf.div(tf.mean(tf.squaredDifference(logits, reference)), tf.mean(tf.square(reference)));
    return { sameAnswer: same.dataSync()[0]!, error: Math.sqrt(ratio.dataSync()[0]!) };
  });
}

/** The greatest answers of each image, with their probabilities. */
export function answers(logits: tf.Tensor2D): { readonly index: number; readonly probability: number }[] {
  return tf.tidy(() => {
    const { values, indices } = tf.topk(tf.softmax(logits), 1);
    const probabilities = values.dataSync();
    return [...indices.dataSync()].map((index, i) => ({ index, probability: probabilities[i]! }));
  });
}

export interface Distillation {
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly normalize: Normalize;
  /** Images of 0 to 1 for a step. */
  readonly images: (step: number) => tf.Tensor4D;
  readonly onStep: (step: number, loss: number) => void;
}

/**
 * Trains `student` to give the logits of `teacher`: no labels are needed. Batch normalizations keep the running statistics
 * of ImageNet, since those of a few crops of a few photographs are far from them.
 */
export async function distill(student: LayersModel, teacher: LayersModel, how: Distillation): Promise<void> {
  const optimizer = tf.train.adam(how.learningRate);
  for (let step = 0; step < how.steps; step++) {
    const xs = tf.tidy(() => how.normalize(how.images(step)));
    const target = tf.tidy(() => teacher.apply(xs, {}) as tf.Tensor2D);
    const loss = optimizer.minimize(
      () => tf.mean<tf.Scalar>(tf.squaredDifference(student.apply(xs, { training: false }) as tf.Tensor2D, target)),
      true,
    )!;
    how.onStep(step + 1, (await loss.data())[0]!);
    tf.dispose([xs, target, loss]);
  }
  optimizer.dispose();
}
