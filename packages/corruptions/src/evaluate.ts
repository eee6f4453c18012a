import { type OutputKind, outputKind, scoreOutputs } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type CorruptedData, corruptedOnTheFly, type OnTheFlyOptions } from './corrupted-data';
import { batchesOf, classIndices, disposing, type LabelledBatch, type LabelledData } from './labelled-data';
import { type CorruptionReport, type CorruptionResult, type Estimate, reportOf } from './report';
import { runningMean } from './running-mean';
import { CORRUPTIONS, type CorruptionName, PRESETS, type Preset } from './severities';

/** A classifier: a LayersModel, or a function in an object that says what it returns (default logits). */
export type ModelLike = LayersModel | { forward(x: tf.Tensor): tf.Tensor; readonly output?: OutputKind };

/** Where a report stands. `done` of `total` stages are finished; the clean pass counts as one. */
export interface CorruptionProgress {
  readonly stage: 'clean' | CorruptionName;
  readonly severity?: number;
  /** Images evaluated so far in this stage. */
  readonly examples: number;
  readonly done: number;
  readonly total: number;
}

/** `dialect`, `textures` and `postJpeg85` are those of `corrupt`. */
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
  readonly batchSize?: number;
  /** Makes what the model takes of images in the dtype and range of `clean`. Default: their values as float32. */
  readonly preprocess?: (images: tf.Tensor) => tf.Tensor;
  /** Default: read off the model. */
  readonly output?: OutputKind;
  readonly onProgress?: (progress: CorruptionProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Loss, accuracy and generalization gap of a classifier under corruptions, streamed in constant memory.
 *
 * Per corruption c and severity s: mean cross-entropy L_{c,s} (nats), top-1 accuracy (0..1) and QGen's gap
 * L_{c,s} − L_train, each with its standard error over the images; over all of them mean errors and, for the preset
 * 'imagenet-c', CE, mCE and relative mCE (Hendrycks & Dietterich 2019, arXiv:1903.12261, section 4.2).
 *
 * `clean` holds images [N,H,W,C], int32 in 0..255 or float32 in 0..1. Image i is corrupted alike whatever the batch
 * size. A NaN output gives a NaN loss and counts as wrong. Throws a RangeError or TypeError on empty data, on labels
 * that are no class of the model, on unknown corruptions or severities; rejects with `signal.reason` when aborted.
 */
export async function corruptionReport(
  model: ModelLike,
  clean: LabelledData,
  {
    corrupted,
    preset = corrupted?.preset,
    corruptions = corrupted?.corruptions ?? CORRUPTIONS,
    severities = corrupted?.severities ?? [1, 2, 3, 4, 5],
    trainLoss,
    seed = 0,
    batchSize = 64,
    preprocess = (images) => tf.cast(images, 'float32'),
    output,
    onProgress,
    signal,
    ...onTheFly
  }: CorruptionReportOptions = {},
): Promise<CorruptionReport> {
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new RangeError(`corruptionReport: batchSize must be a positive integer, got ${batchSize}`);
  if (preset === undefined || !PRESETS.includes(preset))
    throw new RangeError(`corruptionReport: preset must be one of ${PRESETS.join(', ')}, got ${preset}`);
  const source = corrupted ?? corruptedOnTheFly(clean, { ...onTheFly, preset, seed });
  if (source.preset !== preset)
    throw new RangeError(`corruptionReport: preset is ${preset}, but ${source.source} are of ${source.preset}`);
  requireAll('corruptions', corruptions, source.corruptions, source.source);
  requireAll('severities', severities, source.severities, source.source);

  const kind = output ?? ('forward' in model ? (model.output ?? 'logits') : outputKind(model));
  const total = 1 + new Set(corruptions).size * new Set(severities).size;
  let dtype: tf.DataType | undefined;

  const estimate = async (
    batches: AsyncIterable<LabelledBatch>,
    stage: Omit<CorruptionProgress, 'examples' | 'total'>,
  ): Promise<Estimate> => {
    const loss = runningMean();
    const correct = runningMean();
    signal?.throwIfAborted();
    for await (const { xs, ys } of batches) {
      dtype ??= xs.dtype;
      const images = () => preprocess(asImages(xs, dtype!));
      const scores = await score(model, images, await classIndices(ys), kind);
      for (const value of scores.losses) loss.add(value);
      for (const value of scores.correct) correct.add(value);
      onProgress?.({ ...stage, examples: loss.count, total });
      await eventLoopTurn();
      signal?.throwIfAborted();
    }
    if (loss.count === 0) throw new RangeError(`corruptionReport: there are no images for ${stage.stage}, give some`);
    return {
      examples: loss.count,
      loss: loss.mean,
      lossStandardError: loss.standardError,
      accuracy: correct.mean,
      accuracyStandardError: correct.standardError,
    };
  };

  const cleanEstimate = await estimate(batchesOf(clean, batchSize), { stage: 'clean', done: 0 });
  const results: CorruptionResult[] = [];
  for (const corruption of new Set(corruptions))
    for (const severity of new Set(severities)) {
      const stage = { stage: corruption, severity, done: 1 + results.length };
      const batches = disposing(source.batches(corruption, severity, batchSize));
      results.push({ corruption, severity, ...(await estimate(batches, stage)) });
    }
  return reportOf({ preset, source: source.source, seed, clean: cleanEstimate, results, trainLoss });
}

/** Losses of the images in float64, and 1 for every one that is classified rightly. */
async function score(
  model: ModelLike,
  images: () => tf.Tensor,
  labels: Int32Array,
  kind: OutputKind,
): Promise<{ readonly losses: Float64Array; readonly correct: Uint8Array }> {
  const outputs = tf.tidy(() => outputsOf(model, images(), labels));
  try {
    return scoreOutputs(await outputs.data(), labels, { classes: outputs.shape[1]!, kind });
  } finally {
    outputs.dispose();
  }
}

function outputsOf(model: ModelLike, images: tf.Tensor, labels: Int32Array): tf.Tensor2D {
  const outputs = 'forward' in model ? model.forward(images) : model.predict(images, { batchSize: labels.length });
  if (Array.isArray(outputs) || outputs.rank !== 2 || outputs.shape[0] !== labels.length)
    throw new TypeError(
      `corruptionReport: the model must return one tensor [${labels.length}, classes] for ${labels.length} images, got ${
        Array.isArray(outputs) ? `${outputs.length} tensors` : `[${outputs.shape}]`
      }`,
    );
  const wrong = labels.find((label) => label < 0 || label >= outputs.shape[1]!);
  if (wrong !== undefined)
    throw new RangeError(`corruptionReport: label ${wrong} is none of the model's ${outputs.shape[1]} classes`);
  return outputs as tf.Tensor2D;
}

/** Images read from files are int32; a model that was given clean images in 0..1 gets these in 0..1, too. */
function asImages(xs: tf.Tensor, dtype: tf.DataType): tf.Tensor {
  if (xs.dtype === dtype) return xs;
  return dtype === 'int32' ? tf.cast(tf.mul(xs, 255), 'int32') : tf.div(xs, 255);
}

function requireAll<T>(what: string, asked: readonly T[], known: readonly T[], source: string): void {
  const unknown = asked.find((value) => !known.includes(value));
  if (unknown !== undefined)
    throw new RangeError(`corruptionReport: ${what} has ${unknown}, but ${source} offer ${known.join(', ')}`);
}

/** Lets timers, input and an abort run between batches, at most every 50 ms. */
let lastTurn = 0;
async function eventLoopTurn(): Promise<void> {
  if (performance.now() - lastTurn < 50) return;
  await new Promise((resolve) => setTimeout(resolve));
  lastTurn = performance.now();
}
