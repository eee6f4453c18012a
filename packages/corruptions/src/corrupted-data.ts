import { type CorruptOptions, corrupt } from './corrupt';
import { batchesOf, type LabelledBatch, type LabelledData } from './labelled-data';
import { CORRUPTIONS, type CorruptionName, type Preset, VALIDATION_CORRUPTIONS } from './severities';

/** Corrupted test sets, wherever they come from. Whoever reads them disposes every batch after use. */
export interface CorruptedData {
  /** What a reader of a report should know of their origin, as 'published CIFAR-C files'. */
  readonly source: string;
  readonly preset: Preset;
  readonly corruptions: readonly CorruptionName[];
  readonly severities: readonly number[];
  batches(corruption: CorruptionName, severity: number, batchSize: number): AsyncIterable<LabelledBatch>;
}

/** How images are corrupted while they are read: `corrupt`'s options, without what changes from pass to pass. */
export type OnTheFlyOptions = Pick<CorruptOptions, 'preset' | 'seed' | 'dialect' | 'textures' | 'postJpeg85'>;

/** Corrupts `clean` while it is read: every pass reads it again, and image i gets the stream of (seed, i). */
export function corruptedOnTheFly(clean: LabelledData, options: OnTheFlyOptions): CorruptedData {
  return {
    source: 'images corrupted on the fly',
    preset: options.preset,
    corruptions: [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS],
    severities: [1, 2, 3, 4, 5],
    async *batches(corruption, severity, batchSize) {
      let firstIndex = 0;
      for await (const { xs, ys } of batchesOf(clean, batchSize)) {
        const corrupted = corrupt(xs, corruption, { ...options, severity, firstIndex });
        firstIndex += xs.shape[0]!;
        yield { xs: corrupted, ys };
      }
    },
  };
}
