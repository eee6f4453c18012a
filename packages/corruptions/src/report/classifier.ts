import {
  asClasses,
  type Batch,
  classKind,
  type OutputKind,
  outputKind,
  outputWidth,
  requireClasses,
  requireKind,
  requireOneOf,
  scoreOutputs,
  shown,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { imageShapeOf } from '../images/levels';

/** A classifier: a LayersModel, or a function in an object that says what it returns (default logits). */
export type ModelLike = LayersModel | { forward(x: tf.Tensor): tf.Tensor; readonly output?: OutputKind };

/** The kinds of output that tell classes apart. */
export type Classifier = Exclude<OutputKind, 'regression'>;

export const CLASSIFIERS = ['logits', 'probabilities', 'binaryLogits', 'binaryProbability'] as const;

/** The function that errors name. */
export const CALLER = 'corruptionReport';

/** @throws RangeError or TypeError for a model that is no classifier: the report is about accuracy */
export function outputOf(model: ModelLike, said: OutputKind | undefined): Classifier {
  const output = said ?? ('forward' in model ? (model.output ?? 'logits') : outputKind(model, CALLER));
  if (output === 'regression')
    throw new TypeError(
      `${CALLER}: is about the accuracy of a classifier, and the output of this model is a regression; if it is a classifier, say output: 'logits'`,
    );
  requireOneOf(CALLER, 'output', output, CLASSIFIERS);
  return output;
}

/** @throws TypeError unless it is one */
export function requireModel(model: ModelLike): void {
  if (typeof model === 'object' && model !== null) {
    if ('forward' in model && typeof model.forward === 'function') return;
    if ('predict' in model && 'outputs' in model) return;
  }
  throw new TypeError(
    `${CALLER}: model must be a LayersModel, or { forward(x), output } with a function from images to outputs, got ${shown(model)}`,
  );
}

/** The shape of images, unless `preprocess` may change it, and the number of classes, as a LayersModel tells them. */
export function shapesOf(model: ModelLike, kind: OutputKind, asTheyAre: boolean) {
  if ('forward' in model) return {};
  const [, outputs] = model.outputs[0].shape;
  const classes = kind.startsWith('binary') ? 2 : outputs;
  return {
    ...(asTheyAre && model.inputs.length === 1 && { inputShape: model.inputs[0].shape }),
    ...(model.outputs[0].shape.length === 2 && classes && { classes }),
  };
}

/** @throws RangeError on another shape than images have and on values outside the range of their dtype, TypeError on another dtype */
export async function requireImages(xs: tf.Tensor): Promise<void> {
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
  readonly preprocess: ((images: tf.Tensor) => tf.Tensor) | undefined;
  /** Whether to look if the outputs are what they are said to be. */
  readonly unsure: boolean;
}

/** Losses of the images in float64, and 1 for every one that is classified rightly. */
export async function score(
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
      `${CALLER}: the model must return one tensor [${labels.length}, classes] for ${labels.length} images, got ${
        Array.isArray(outputs) ? `${outputs.length} tensors` : `[${outputs.shape}]`
      }`,
    );
  outputWidth(outputs.shape, labels.length, kind, CALLER);
  const rows = asClasses(outputs, kind);
  if (labelClasses !== undefined) requireClasses(labelClasses, rows.shape[1], CALLER);
  const wrong = labels.find((label) => label >= rows.shape[1]);
  if (wrong !== undefined)
    throw new RangeError(`${CALLER}: label ${wrong} is none of the model's ${rows.shape[1]} classes`);
  return rows;
}

/** Images read from files are int32; a model that was given clean images in 0..1 gets these in 0..1, too. */
function asImages(xs: tf.Tensor, dtype: tf.DataType): tf.Tensor {
  if (xs.dtype === dtype) return xs;
  return dtype === 'int32' ? tf.cast(tf.round(tf.mul(xs, 255)), 'int32') : tf.div(xs, 255);
}
