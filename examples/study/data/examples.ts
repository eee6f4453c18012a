import type { CorruptedData, Preset } from '@qgen/corruptions';
import type { RandomAccessData } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';

/** Labelled images of one split. */
export interface Examples {
  readonly size: number;
  readonly labels: ArrayLike<number>;
  /** The images with these indices, levels 0..255 [n, height, width, channels]. */
  levels(indices: Int32Array): Promise<Uint8Array>;
}

/** The data of a study as its trials see them. */
export interface StudyData {
  readonly name: string;
  /** [height, width, channels] of an image. */
  readonly shape: readonly [number, number, number];
  readonly classes: number;
  readonly train: Examples;
  readonly test: Examples;
  /** Of all that is used. */
  readonly sha256: string;
  /** The network sees means of squares of this side: 1 for the images as they are. Distortions come first. */
  readonly downsample: number;
  /** Mean and standard deviation of each channel that images in 0..1 are normalized with; null where the model does it. */
  readonly normalization: { readonly mean: readonly number[]; readonly deviation: readonly number[] } | null;
  /** Whose parameters distort the images. */
  readonly preset: Preset;
  /** Published distorted images; null where the test images are distorted here. */
  readonly corrupted: CorruptedData | null;
}

/** The first so many examples; null for all. */
export function firstOf(examples: Examples, count: number | null): Examples {
  return count === null || count >= examples.size ? examples : { ...examples, size: count };
}

/** [height, width, channels] of what the network takes. */
export function inputShape({ shape: [height, width, channels], downsample }: StudyData): [number, number, number] {
  return [Math.floor(height / downsample), Math.floor(width / downsample), channels];
}

/** Images as the network takes them. */
export async function inputsOf(data: StudyData, examples: Examples, indices: Int32Array): Promise<tf.Tensor4D> {
  const levels = await examples.levels(indices);
  const images = tf.tensor4d(
    Float32Array.from(levels, (level) => level / 255),
    [indices.length, ...data.shape],
  );
  const inputs = prepared(data, images);
  if (inputs !== images) images.dispose();
  return inputs;
}

/** Images in 0..1 as the network takes them: averaged over squares and normalized, as the data say. */
export function prepared({ normalization, downsample }: StudyData, images: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const small = downsample === 1 ? images : tf.avgPool(images, downsample, downsample, 'valid');
    if (!normalization) return small;
    const { mean, deviation } = normalization;
    return tf.div(tf.sub(small, tf.tensor1d([...mean])), tf.tensor1d([...deviation]));
  });
}

export function labelsAt({ labels }: Examples, indices: Int32Array): Int32Array {
  return Int32Array.from(indices, (index) => labels[index]!);
}

/** Examples in the form that the measures read. */
export function asData(data: StudyData, examples: Examples): RandomAccessData {
  return {
    size: examples.size,
    batch: async (indices) => ({ xs: await inputsOf(data, examples, indices), ys: labelsAt(examples, indices) }),
  };
}
