import {
  clippedLog,
  type LongWork,
  outputKind,
  requireCounts,
  requireKnownOptions,
  requireLongWork,
  requireOneOf,
  requirePositive,
  startWork,
  type UnlabelledData,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { CalibrateProgress } from '../model/calibrate';
import { openInputs } from '../model/open-inputs';
import { requireModel } from '../model/require-model';

export interface SoftLabelOptions extends LongWork<CalibrateProgress> {
  /** How many of the largest probabilities of each example to keep. Left out, all classes are given. */
  readonly topK?: number;
  /** T: the probabilities are softmax(logits / T). Default 1. */
  readonly temperature?: number;
  /** Examples per batch. Default 32. Those of a dataset or an iterable are taken as they come. */
  readonly batchSize?: number;
}

/** The k largest probabilities of each example, the largest first, and their classes: both [n, k]. */
export interface TopLabels {
  readonly values: tf.Tensor2D;
  readonly indices: tf.Tensor2D;
}

/**
 * A teacher's probabilities for examples, in inference mode: softmax(logits / T) as [n, classes], or with `topK` the
 * largest of them as Shen and Xing store them ("A Fast Knowledge Distillation Framework for Visual Recognition", ECCV
 * 2022), which `expandSoftLabels` makes whole again. Computed once, they serve every epoch without augmentation.
 *
 * @param xs examples in any form that `@qgen/core` knows as `UnlabelledData`, or for a teacher of several inputs an array
 * with one tensor each
 * @throws RangeError if there are no examples, their shape is not the teacher's, topK is more than its classes, a number
 * doesn't fit, or an option is unknown
 * @throws TypeError if `teacher` is no LayersModel of one output for each of several classes, or `xs` has none of the forms
 * @throws the signal's reason when aborted
 */
export function softLabels(
  teacher: LayersModel,
  xs: UnlabelledData | readonly tf.Tensor[],
  options: SoftLabelOptions & { readonly topK: number },
): Promise<TopLabels>;
export function softLabels(
  teacher: LayersModel,
  xs: UnlabelledData | readonly tf.Tensor[],
  options?: SoftLabelOptions & { readonly topK?: undefined },
): Promise<tf.Tensor2D>;
export async function softLabels(
  teacher: LayersModel,
  xs: UnlabelledData | readonly tf.Tensor[],
  options: SoftLabelOptions = {},
): Promise<TopLabels | tf.Tensor2D> {
  const name = 'softLabels';
  requireModel(name, teacher, 'teacher');
  requireKnownOptions(name, options, ['topK', 'temperature', 'batchSize', 'signal', 'onProgress']);
  const { topK, temperature = 1, batchSize = 32 } = options;
  requireCounts(name, { topK, batchSize });
  requirePositive(name, { temperature });
  requireLongWork(name, options);
  const kind = outputKind(teacher, name);
  if (kind !== 'logits' && kind !== 'probabilities')
    throw new TypeError(
      `${name}: the teacher must have one output for each class, logits or a softmax of them, got ${kind}`,
    );
  const classes = teacher.outputs[0].shape.at(-1)!;
  if (topK !== undefined && topK > classes)
    throw new RangeError(`${name}: topK must be at most the ${classes} classes of the teacher, got ${topK}`);
  const { size: total = null, batches } = await openInputs(name, teacher, xs);
  const work = startWork(options);
  const parts: tf.Tensor[][] = [];
  let done = 0;
  try {
    for await (const { inputs, size } of batches(batchSize)) {
      await work.checkpoint(() => ({ done, total }));
      parts.push(
        tf.tidy(() => {
          const outputs = teacher.predict(inputs.length === 1 ? inputs[0] : inputs, { batchSize: size }) as tf.Tensor;
          const rows = tf.reshape(outputs, [size, classes]);
          const logits = kind === 'probabilities' ? clippedLog(rows) : rows;
          const probabilities = tf.softmax(tf.div(logits, temperature));
          if (topK === undefined) return [probabilities];
          const { values, indices } = tf.topk(probabilities, topK);
          return [values, indices];
        }),
      );
      done += size;
    }
    await work.checkpoint();
    work.report({ done, total });
    const [values, indices] = parts[0].map((_, i) => tf.concat(parts.map((part) => part[i]))) as tf.Tensor2D[];
    return indices ? { values: values, indices } : values;
  } finally {
    tf.dispose(parts);
  }
}

/**
 * The k largest probabilities of each example as probabilities of all K classes, [n, K].
 *
 *     'smoothing'     the others share what is left: max(0, 1 - Σ values) / (K - k)
 *     'renormalized'  the others are 0, and the k are divided by their sum
 *
 * Values that were rounded may sum to more than 1; they are then left as they are by 'smoothing'.
 *
 * @throws RangeError if the shapes of values and indices differ, there are more of them than classes, or `rest` is neither
 * @throws TypeError if values and indices are no tensors
 */
export function expandSoftLabels(
  { values, indices }: TopLabels,
  classes: number,
  rest: 'smoothing' | 'renormalized' = 'smoothing',
): tf.Tensor2D {
  const name = 'expandSoftLabels';
  if (!(values instanceof tf.Tensor && indices instanceof tf.Tensor))
    throw new TypeError(`${name}: values and indices must be tensors, as softLabels gives them with topK`);
  requireCounts(name, { classes });
  requireOneOf(name, 'rest', rest, ['smoothing', 'renormalized']);
  const [examples, k] = values.shape;
  if (values.rank !== 2 || !tf.util.arraysEqual(values.shape, indices.shape))
    throw new RangeError(
      `${name}: values and indices must both have the shape [n, k], got [${values.shape}] and [${indices.shape}]`,
    );
  if (k > classes)
    throw new RangeError(`${name}: there are ${k} labels an example and ${classes} classes; give all classes`);
  return tf.tidy(() => {
    const rows = tf.mul(tf.ones([1, k], 'int32'), tf.reshape(tf.range(0, examples, 1, 'int32'), [examples, 1]));
    const places = tf.stack([tf.reshape(rows, [-1]), tf.reshape(tf.cast(indices, 'int32'), [-1])], 1);
    const spread = (each: tf.Tensor) => tf.scatterND(places, tf.reshape(each, [-1]), [examples, classes]);
    const total = tf.sum(values, 1, true);
    if (rest === 'renormalized') return spread(tf.div(values, total)) as tf.Tensor2D;
    const left = tf.div(tf.maximum(tf.sub(1, total), 0), Math.max(classes - k, 1));
    return tf.add(spread(values), tf.mul(left, tf.sub(1, spread(tf.onesLike(values))))) as tf.Tensor2D;
  });
}
