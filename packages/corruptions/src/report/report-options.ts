import {
  type OutputKind,
  requireBooleans,
  requireCounts,
  requireKnownOptions,
  requireLongWork,
  requireOneOf,
  requireSeed,
  shown,
} from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { CorruptionName, Preset } from '../options/severities';
import { DIALECTS, requireName } from '../settle';
import { CALLER, CLASSIFIERS } from './classifier';
import type { CorruptedData, OnTheFlyOptions } from './corrupted-data';

/** Where a report stands. `done` of `total` stages are finished; the clean pass counts as one. */
export interface CorruptionProgress {
  readonly stage: 'clean' | CorruptionName;
  readonly severity?: number;
  /** Images evaluated so far in this stage. */
  readonly examples: number;
  readonly done: number;
  readonly total: number;
}

/** `seed`, `dialect`, `textures` and `postJpeg85` are for images corrupted on the fly, not for `corrupted`. */
export interface CorruptionReportOptions extends Partial<OnTheFlyOptions> {
  /** Default: the 15 of `CORRUPTIONS`, or all that `corrupted` holds. */
  readonly corruptions?: readonly CorruptionName[];
  /** Default: 1 to 5, or all that `corrupted` holds. */
  readonly severities?: readonly number[];
  /** Whose parameters corrupt the images; 'imagenet-c' also normalizes by AlexNet. Default: that of `corrupted`. */
  readonly preset?: Preset;
  /** Mean cross-entropy on the clean training set in nats, for the gap; give its standard error if it is an estimate. */
  readonly trainLoss?: number | { readonly loss: number; readonly standardError: number };
  /** Corrupted images read from files. Default: `clean` is corrupted on the fly. */
  readonly corrupted?: CorruptedData;
  /** Default 64. */
  readonly batchSize?: number;
  /** Makes what the model takes of images in the dtype and range of `clean`. Default: their values as float32. */
  readonly preprocess?: (images: tf.Tensor) => tf.Tensor;
  /** Default: read off the model. */
  readonly output?: OutputKind;
  readonly onProgress?: (progress: CorruptionProgress) => void;
  readonly signal?: AbortSignal;
}

const ON_THE_FLY = ['seed', 'dialect', 'textures', 'postJpeg85'];
const REPORT_OPTIONS = [
  ...['corruptions', 'severities', 'preset', 'trainLoss', 'corrupted', 'batchSize', 'preprocess', 'output'],
  ...['onProgress', 'signal'],
];

/** @throws TypeError or RangeError on the first option that is unknown or out of range */
export function requireReportOptions(options: CorruptionReportOptions): void {
  const files = options?.corrupted !== undefined;
  const elsewhere = Object.fromEntries(ON_THE_FLY.map((name) => [name, 'images that are corrupted on the fly']));
  requireKnownOptions(CALLER, options, files ? REPORT_OPTIONS : [...REPORT_OPTIONS, ...ON_THE_FLY], elsewhere);
  const { corrupted, corruptions, severities, trainLoss, batchSize, output, seed, dialect, postJpeg85 } = options;
  requireCounts(CALLER, { batchSize });
  if (seed !== undefined) requireSeed(CALLER, seed);
  if (dialect !== undefined) requireOneOf(CALLER, 'dialect', dialect, DIALECTS);
  requireBooleans(CALLER, { postJpeg85 });
  if (output !== undefined) requireOneOf(CALLER, 'output', output, CLASSIFIERS);
  for (const [name, list] of Object.entries({ corruptions, severities }))
    if (list !== undefined && !(Array.isArray(list) && list.length > 0))
      throw new TypeError(
        `${CALLER}: ${name} must be an array of at least one, got ${Array.isArray(list) ? 'none' : shown(list)}; left out it is all`,
      );
  for (const name of corruptions ?? []) requireName(CALLER, name);
  if (options.preprocess !== undefined && typeof options.preprocess !== 'function')
    throw new TypeError(`${CALLER}: preprocess must be a function, got ${shown(options.preprocess)}`);
  requireLongWork(CALLER, options);
  if (trainLoss !== undefined) {
    const { loss, standardError } = typeof trainLoss === 'number' ? { loss: trainLoss, standardError: 0 } : trainLoss;
    if (!(Number.isFinite(loss) && standardError >= 0 && standardError < Number.POSITIVE_INFINITY))
      throw new RangeError(
        `${CALLER}: trainLoss must be a finite number or { loss, standardError }, got ${typeof trainLoss === 'number' ? trainLoss : `{ loss: ${shown(loss)}, standardError: ${shown(standardError)} }`}`,
      );
  }
  if (files && !(typeof corrupted === 'object' && corrupted !== null && typeof corrupted.batches === 'function'))
    throw new TypeError(
      `${CALLER}: corrupted must be what cifarCFiles or imageNetCFolder return, or the like of it, got ${shown(corrupted)}`,
    );
}
