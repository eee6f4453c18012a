import {
  asClasses,
  type Batch,
  classKind,
  type Data,
  type OutputKind,
  outputKind,
  outputWidth,
  type RunningWork,
  requireBooleans,
  requireClasses,
  requireCounts,
  requireKind,
  requireKnownOptions,
  requireLongWork,
  requireOneOf,
  requireSeed,
  runningMean,
  scoreOutputs,
  shown,
  startWork,
  streamData,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { imageShapeOf } from '../images/levels';
import { DIALECTS, isSeverity, requireName } from '../settle';
import { CORRUPTIONS, type CorruptionName, PRESETS, type Preset } from '../severities';
import { type CorruptedData, corruptedOnTheFly, type OnTheFlyOptions } from './corrupted-data';
import type { CorruptionReport, Estimate } from './report';
import { type MeasuredResult, reportOf } from './report-of';
import { settingsOf } from './settings';

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

const CALLER = 'corruptionReport';

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

type Classifier = Exclude<OutputKind, 'regression'>;

const CLASSIFIERS = ['logits', 'probabilities', 'binaryLogits', 'binaryProbability'] as const;

/** @throws RangeError or TypeError for a model that is no classifier: the report is about accuracy */
function outputOf(model: ModelLike, said: OutputKind | undefined): Classifier {
  const output = said ?? ('forward' in model ? (model.output ?? 'logits') : outputKind(model, CALLER));
  if (output === 'regression')
    throw new TypeError(
      `${CALLER}: is about the accuracy of a classifier, and the output of this model is a regression; if it is a classifier, say output: 'logits'`,
    );
  requireOneOf(CALLER, 'output', output, CLASSIFIERS);
  return output;
}

function requireModel(model: ModelLike): void {
  if (typeof model === 'object' && model !== null) {
    if ('forward' in model && typeof model.forward === 'function') return;
    if ('predict' in model && 'outputs' in model) return;
  }
  throw new TypeError(
    `${CALLER}: model must be a LayersModel, or { forward(x), output } with a function from images to outputs, got ${shown(model)}`,
  );
}

function requireReportOptions(options: CorruptionReportOptions): void {
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

/** What a LayersModel says of its images, which `preprocess` could change, and its classes. */
function shapesOf(model: ModelLike, kind: OutputKind, asTheyAre: boolean) {
  if ('forward' in model) return {};
  const [, outputs] = model.outputs[0].shape;
  const classes = kind.startsWith('binary') ? 2 : outputs;
  return {
    ...(asTheyAre && model.inputs.length === 1 && { inputShape: model.inputs[0].shape }),
    ...(model.outputs[0].shape.length === 2 && classes && { classes }),
  };
}

/** @throws RangeError on another shape than images have and on values outside the range of their dtype, TypeError on another dtype */
async function requireImages(xs: tf.Tensor): Promise<void> {
  imageShapeOf(CALLER, xs.shape);
  if (xs.dtype !== 'int32' && xs.dtype !== 'float32')
    throw new TypeError(`${CALLER}: images must be int32 in 0..255 or float32 in 0..1, got dtype ${xs.dtype}`);
  const extremes = tf.tidy(() => tf.stack([tf.min(xs), tf.max(xs)]));
  const [low, high] = await extremes.data();
  extremes.dispose();
  if (low >= 0 && high <= (xs.dtype === 'int32' ? 255 : 1)) return;
  throw new RangeError(
    xs.dtype === 'int32'
      ? `${CALLER}: int32 images must lie in 0..255, got ${low} to ${high}`
      : `${CALLER}: float32 images must lie in 0..1, got ${low} to ${high}; divide levels by 255, and normalize in preprocess`,
  );
}

interface Scoring {
  readonly kind: Classifier;
  /** Of the clean images. */
  readonly dtype: tf.DataType;
  readonly preprocess: CorruptionReportOptions['preprocess'];
  /** Whether to look if the outputs are what they are said to be. */
  readonly unsure: boolean;
}

/** Losses of the images in float64, and 1 for every one that is classified rightly. */
async function score(
  model: ModelLike,
  { xs, labels, labelClasses }: Batch,
  { kind, dtype, preprocess, unsure }: Scoring,
): Promise<{ readonly losses: Float64Array; readonly correct: Uint8Array }> {
  const outputs = tf.tidy(() => {
    const images = asImages(xs, dtype);
    return outputsOf(model, preprocess ? preprocess(images) : tf.cast(images, 'float32'), {
      labels,
      labelClasses,
      kind,
    });
  });
  try {
    const values = await outputs.data<'float32'>();
    const rows = { width: outputs.shape[1], kind: classKind(kind) };
    if (unsure) requireKind(values, { ...rows, caller: CALLER });
    return scoreOutputs(values, labels, { classes: rows.width, kind: rows.kind });
  } finally {
    outputs.dispose();
  }
}

/** One row for each image, one number for each class: binary outputs as those of two classes. */
function outputsOf(
  model: ModelLike,
  images: tf.Tensor,
  { labels, labelClasses, kind }: Pick<Batch, 'labels' | 'labelClasses'> & { readonly kind: Classifier },
): tf.Tensor2D {
  const outputs = 'forward' in model ? model.forward(images) : model.predict(images, { batchSize: labels.length });
  const fits = (shape: readonly number[]) =>
    shape[0] === labels.length && (shape.length === 2 || kind.startsWith('binary'));
  if (Array.isArray(outputs) || !fits(outputs.shape))
    throw new TypeError(
      `corruptionReport: the model must return one tensor [${labels.length}, classes] for ${labels.length} images, got ${
        Array.isArray(outputs) ? `${outputs.length} tensors` : `[${outputs.shape}]`
      }`,
    );
  outputWidth(outputs.shape, labels.length, kind, CALLER);
  const rows = asClasses(outputs, kind);
  if (labelClasses !== undefined) requireClasses(labelClasses, rows.shape[1], CALLER);
  const wrong = labels.find((label) => label >= rows.shape[1]);
  if (wrong !== undefined)
    throw new RangeError(`corruptionReport: label ${wrong} is none of the model's ${rows.shape[1]} classes`);
  return rows;
}

/** Images read from files are int32; a model that was given clean images in 0..1 gets these in 0..1, too. */
function asImages(xs: tf.Tensor, dtype: tf.DataType): tf.Tensor {
  if (xs.dtype === dtype) return xs;
  return dtype === 'int32' ? tf.cast(tf.round(tf.mul(xs, 255)), 'int32') : tf.div(xs, 255);
}

function requireAll<T>(what: string, asked: readonly T[], known: readonly T[], source: string): void {
  const unknown = asked.find((value) => !known.includes(value));
  if (unknown !== undefined)
    throw new RangeError(`corruptionReport: ${what} has ${unknown}, but ${source} offer ${known.join(', ')}`);
}
