import {
  type Batch,
  type Data,
  type RunningWork,
  requireOneOf,
  runningMean,
  shown,
  startWork,
  streamData,
} from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import { CORRUPTIONS, PRESETS } from '../options/severities';
import { isSeverity } from '../settle';
import {
  CALLER,
  type Classifier,
  type ModelLike,
  outputOf,
  requireImages,
  requireModel,
  score,
  shapesOf,
} from './classifier';
import { type CorruptedData, corruptedOnTheFly } from './corrupted-data';
import type { CorruptionReport, Estimate } from './report';
import { type MeasuredResult, reportOf } from './report-of';
import { type CorruptionProgress, type CorruptionReportOptions, requireReportOptions } from './report-options';
import { settingsOf } from './settings';

/**
 * Loss, accuracy and generalization gap of a classifier under corruptions, streamed in constant memory.
 *
 * Per corruption c and severity s: mean cross-entropy L_{c,s} (nats), top-1 accuracy (0..1) and QGen's gap
 * L_{c,s} − L_train, each with its standard error over the images; over all of them mean errors and, for the preset
 * 'imagenet-c', CE, mCE and relative mCE (Hendrycks & Dietterich 2019, arXiv:1903.12261, section 4.2). Of accuracy more
 * is better, of all others less. Standard errors are those of the images: neither retraining nor another seed is in them.
 *
 * `clean` holds images [N,H,W,C], int32 in 0..255 (bytes become int32) or float32 in 0..1, in any form of `Data`. Image i
 * is corrupted alike whatever the batch size. A NaN output gives a NaN loss and counts as wrong. The report says how the
 * images were corrupted, and in `deviations` what sets them apart from the published benchmark.
 *
 * Throws a RangeError or TypeError on an unknown option, empty data, images out of range, labels that are no class of the
 * model, unknown corruptions or severities; rejects with `signal.reason` when aborted.
 */
export async function corruptionReport(
  model: ModelLike,
  clean: Data,
  options: CorruptionReportOptions = {},
): Promise<CorruptionReport> {
  requireModel(model);
  requireReportOptions(options);
  const { corrupted, preset = corrupted?.preset, trainLoss, batchSize = 64, preprocess, onProgress, signal } = options;
  requireOneOf(CALLER, 'preset', preset, PRESETS);
  const { seed = 0, dialect, textures, postJpeg85 = false, output } = options;
  const kind = outputOf(model, output);
  const expected = { bytes: 'int32', ...shapesOf(model, kind, preprocess === undefined) } as const;
  const stream = await streamData(clean, CALLER, expected);
  const onTheFly = { preset: preset!, seed, dialect, textures, postJpeg85 };
  const settings = corrupted ? undefined : settingsOf(CALLER, onTheFly);
  const source = corrupted ?? corruptedOnTheFly(CALLER, stream, onTheFly);
  if (source.preset !== preset)
    throw new RangeError(
      `${CALLER}: preset is ${preset}, but ${source.source} are of ${source.preset}; leave preset out`,
    );
  const asked = testSetsOf(options, source);
  const work = startWork<CorruptionProgress>({ signal, onProgress });
  const { estimate, shapes } = estimator(model, {
    ...{ kind, preprocess, work, total: 1 + asked.length },
    doubtful: output !== 'logits',
  });
  const cleanEstimate = await estimate(stream.batches(batchSize), { stage: 'clean', done: 0 });
  const results: MeasuredResult[] = [];
  for (const { corruption, severity } of asked) {
    const stage = { stage: corruption, severity, done: 1 + results.length };
    const own = await streamData(() => source.batches(corruption, severity, batchSize), CALLER, expected);
    results.push({ corruption, severity, ...(await estimate(own.batches(batchSize), stage)) });
  }
  return reportOf({
    preset: preset,
    source: source.source,
    output: kind,
    shapes: [...shapes.values()],
    clean: cleanEstimate,
    results,
    ...(trainLoss !== undefined && { trainLoss }),
    ...(settings && { settings }),
  });
}

/** The corruptions at the severities that are asked for, each pair once; throws a RangeError for one that is not there. */
function testSetsOf(options: CorruptionReportOptions, source: CorruptedData) {
  const corruptions = options.corruptions ?? options.corrupted?.corruptions ?? CORRUPTIONS;
  const severities = options.severities ?? source.severities;
  requireAll('corruptions', corruptions, source.corruptions, source.source);
  requireAll('severities', severities, source.severities, source.source);
  for (const severity of severities)
    if (!isSeverity(severity))
      throw new RangeError(`${CALLER}: severities must be integers from 1 to 5, got ${shown(severity)}`);
  return [...new Set(corruptions)].flatMap((corruption) =>
    [...new Set(severities)].map((severity) => ({ corruption, severity })),
  );
}

interface Estimating {
  readonly kind: Classifier;
  readonly preprocess: CorruptionReportOptions['preprocess'];
  readonly work: RunningWork<CorruptionProgress>;
  /** The number of test sets. */
  readonly total: number;
  /** Whether the outputs of the first batch are looked at, if they are what they are said to be. */
  readonly doubtful: boolean;
}

/** Estimates of a model on one test set after another, the clean images first, and the shapes of images that occur. */
function estimator(model: ModelLike, { kind, preprocess, work, total, doubtful }: Estimating) {
  const shapes = new Map<string, readonly number[]>();
  let dtype: tf.DataType | undefined;
  const estimate = async (
    batches: AsyncIterable<Batch>,
    stage: Omit<CorruptionProgress, 'examples' | 'total'>,
  ): Promise<Estimate> => {
    const loss = runningMean();
    const correct = runningMean();
    await work.checkpoint();
    for await (const batch of batches) {
      const { xs } = batch;
      await requireImages(xs);
      shapes.set(`${xs.shape.slice(1)}`, xs.shape.slice(1));
      dtype ??= xs.dtype;
      const unsure = stage.stage === 'clean' && loss.count === 0 && doubtful;
      const scores = await score(model, batch, { kind, dtype, preprocess, unsure });
      for (const value of scores.losses) loss.add(value);
      for (const value of scores.correct) correct.add(value);
      work.report({ ...stage, examples: loss.count, total });
      await work.checkpoint();
    }
    return {
      examples: loss.count,
      loss: loss.mean,
      lossStandardError: loss.standardError,
      accuracy: correct.mean,
      accuracyStandardError: correct.standardError,
    };
  };
  return { estimate, shapes };
}

function requireAll<T>(what: string, asked: readonly T[], known: readonly T[], source: string): void {
  const unknown = asked.find((value) => !known.includes(value));
  if (unknown !== undefined)
    throw new RangeError(`${CALLER}: ${what} has ${unknown}, but ${source} offer ${known.join(', ')}`);
}
