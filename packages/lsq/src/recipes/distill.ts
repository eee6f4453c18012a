import {
  clippedLog,
  outputKind,
  perExampleCrossEntropy,
  requireKnownOptions,
  requireOneOf,
  requirePositive,
  shown,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, type ModelCompileArgs, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { requireModel } from '../model/require-model';

/** The loss of a batch, or of each of its examples, as `compile` takes it. */
type Loss = (targets: tf.Tensor, outputs: tf.Tensor) => tf.Tensor;

export interface DistillOptions {
  /** T, which both distributions are softened by. Default 1. */
  readonly temperature?: number;
  /** α, the share of the teacher, from 0 to 1. Default 1: labels don't count. */
  readonly alpha?: number;
  /** The second targets: the teacher's logits, or its probabilities at temperature T, as `softLabels` gives them. Default 'logits'. */
  readonly targets?: 'logits' | 'probabilities';
  /** The loss of the labels. Default the cross-entropy of one-hot labels. */
  readonly hardLoss?: Loss;
}

/** A model of two outputs, labels' and teacher's, that `compile` gives the two losses of a distillation. */
export type DistillationModel = LayersModel & {
  compile(args: Omit<ModelCompileArgs, 'loss'>): void;
};

/**
 * A model that trains a student from labels y and a teacher's logits t (Hinton et al., "Distilling the Knowledge in a
 * Neural Network", 2015, section 2), with the student's logits z:
 *
 *     L = (1 - α) CE(y, z) + α T² CE(softmax(t / T), softmax(z / T))
 *
 * Cross-entropies are means over the examples; the second differs from the divergence by the teacher's entropy, so its
 * gradient is the same. T² keeps the size of that gradient as T changes.
 *
 * It is the student with its output listed twice, on the student's own layers: training it trains the student. Compile
 * it without a loss, and fit it with two targets: `compile({ optimizer, metrics: ['accuracy'] })`,
 * `fit(xs, [labels, teacherLogits])`. The loss of either output is reported with its weight; the accuracy of the second
 * is how often the student answers as the teacher. Dispose of the student, not of this one.
 *
 * A student that ends in a softmax gives log p in place of z, which is the same up to a constant of the row; below
 * p = 1e-30 it has no gradient.
 *
 * @throws RangeError if temperature is not positive, alpha not from 0 to 1, or an option is unknown
 * @throws TypeError if `student` is no LayersModel of one output for each of several classes
 */
export function distill(student: LayersModel, options: DistillOptions = {}): DistillationModel {
  const name = 'distill';
  requireModel(name, student, 'student');
  requireKnownOptions(name, options, ['temperature', 'alpha', 'targets', 'hardLoss']);
  const { temperature = 1, alpha = 1, targets = 'logits' } = options;
  requirePositive(name, { temperature });
  if (!(alpha >= 0 && alpha <= 1)) throw new RangeError(`${name}: alpha must lie from 0 to 1, got ${alpha}`);
  requireOneOf(name, 'targets', targets, ['logits', 'probabilities']);
  const kind = outputKind(student, name);
  if (kind !== 'logits' && kind !== 'probabilities')
    throw new TypeError(
      `${name}: the student must have one output for each class, logits or a softmax of them, got ${kind}`,
    );
  const { hardLoss = (labels: tf.Tensor, outputs: tf.Tensor) => perExampleCrossEntropy(outputs, labels, kind) } =
    options;
  if (typeof hardLoss !== 'function')
    throw new TypeError(`${name}: hardLoss must be a function of labels and outputs, got ${shown(hardLoss)}`);

  const hard: Loss = (labels, outputs) => tf.mul(tf.mean(hardLoss(labels, outputs)), 1 - alpha);
  const soft: Loss = (given, outputs) => {
    const logits = kind === 'probabilities' ? clippedLog(outputs) : outputs;
    const teacher = targets === 'logits' ? tf.softmax(tf.div(given, temperature)) : given;
    // Soft labels that were rounded need not sum to 1.
    const crossEntropy = tf.neg(tf.sum(tf.mul(teacher, tf.logSoftmax(tf.div(logits, temperature))), -1));
    return tf.mul(tf.mean(crossEntropy), alpha * temperature ** 2);
  };
  const output = student.outputs[0];
  const again = layers.activation({ activation: 'linear', name: `${student.name}_teacher` });
  const training = model({
    inputs: student.inputs,
    outputs: [output, again.apply(output) as SymbolicTensor],
    name: `${student.name}_distilled`,
  });
  const compile = training.compile.bind(training);
  training.compile = (args) => compile({ ...args, loss: args.loss ?? [hard, soft] });
  evaluateAsNamed(training);
  return training;
}

/**
 * Of two losses tfjs (4.22) gives the first and the sum where it evaluates, and names the sum alone, so that `val_loss` is
 * the first loss and every name after it that of another number. Here the sum alone is given.
 */
function evaluateAsNamed(training: LayersModel): void {
  const evaluating = training as unknown as {
    makeTestFunction(): void;
    testFunction: (data: tf.Tensor[]) => tf.Scalar[];
  };
  const make = evaluating.makeTestFunction.bind(training);
  evaluating.makeTestFunction = () => {
    make();
    const evaluated = evaluating.testFunction;
    evaluating.testFunction = (data) => tf.tidy(() => evaluated(data).slice(1));
  };
}
