import type { ExampleStream, Labels } from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import { corruptFor } from '../corrupt';
import type { Dialect } from '../corruption';
import { type CorruptionName, NAMES, type Preset } from '../options/severities';
import type { FrostTexture } from '../weather/frost/frost-images';

/** Images [N, H, W, C], int32 in 0..255 or float32 in 0..1, with their labels. */
export interface LabelledBatch {
  readonly xs: tf.Tensor;
  readonly ys: Labels;
}

/** Corrupted test sets, wherever they come from. Whoever reads them disposes every batch after use. */
export interface CorruptedData {
  /** The origin of the images, for readers of a report, as 'files in the layout of CIFAR-C'. */
  readonly source: string;
  readonly preset: Preset;
  readonly corruptions: readonly CorruptionName[];
  readonly severities: readonly number[];
  batches(corruption: CorruptionName, severity: number, batchSize: number): AsyncIterable<LabelledBatch>;
}

/** How images are corrupted while they are read: `corrupt`'s options, without what changes from pass to pass. */
export interface OnTheFlyOptions {
  readonly preset: Preset;
  /** Default 0. */
  readonly seed?: number;
  /** See `corrupt`. */
  readonly dialect?: Dialect;
  /** Pictures of frost in place of the synthetic ones. */
  readonly textures?: readonly FrostTexture[];
  /** Passes the images through JPEG of quality 85, as the published files of ImageNet-C and Tiny-ImageNet-C were. */
  readonly postJpeg85?: boolean;
}

/** Corrupts `clean` while it is read: every pass reads it again, and image i has the index i. Errors name `caller`. */
export function corruptedOnTheFly(caller: string, clean: ExampleStream, options: OnTheFlyOptions): CorruptedData {
  return {
    source: 'images corrupted on the fly',
    preset: options.preset,
    corruptions: NAMES,
    severities: [1, 2, 3, 4, 5],
    async *batches(corruption, severity, batchSize) {
      let firstIndex = 0;
      for await (const { xs, labels } of clean.batches(batchSize)) {
        const corrupted = corruptFor(caller, xs, corruption, { ...options, severity, firstIndex });
        firstIndex += xs.shape[0];
        yield { xs: corrupted, ys: labels };
      }
    },
  };
}
