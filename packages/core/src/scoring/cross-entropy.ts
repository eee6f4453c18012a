import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { layerClass } from '../model/layer-class';

/** What a classifier returns for every class: any number (before a softmax), or a probability (after one). */
export type OutputKind = 'logits' | 'probabilities';

/** The smallest probability that enters a logarithm; a loss per example is at most -ln 1e-30 = 69.1. */
const LEAST_PROBABILITY = 1e-30;

const reshaping = /^(Flatten|Reshape|Dropout|SpatialDropout1D|Permute|InputLayer)$/;

/**
 * Whether a model ends in a softmax, read from the last layer that has an activation (reshapes are looked through).
 *
 * @throws TypeError if the last activation is a sigmoid or another that gives neither logits nor a distribution, or the
 * model has several outputs
 */
export function outputKind(model: LayersModel): OutputKind {
  if (model.outputs.length !== 1)
    throw new TypeError(`outputKind: the model must have one output, it has ${model.outputs.length}`);
  let tensor = model.outputs[0]!;
  for (;;) {
    const layer = tensor.sourceLayer;
    const inner = (layer as Partial<LayersModel>).outputs;
    if (Array.isArray((layer as Partial<LayersModel>).layers) && inner?.length === 1) tensor = inner[0]!;
    else if (reshaping.test(layer.getClassName()) && tensor.inputs.length === 1) tensor = tensor.inputs[0]!;
    else return kindOf(layer);
  }
}

function kindOf(layer: layers.Layer): OutputKind {
  const { className, config } = layerClass(layer);
  const { activation } = config;
  if (className === 'Softmax' || activation === 'softmax') return 'probabilities';
  if (activation === 'sigmoid' || activation === 'hardSigmoid' || activation === 'logSoftmax')
    throw new TypeError(
      `outputKind: the last activation, ${activation} of ${layer.name}, gives neither logits nor a distribution over classes; end the model in a softmax or without one, or say output: 'logits' or 'probabilities'`,
    );
  return 'logits';
}

/** The largest entry of every row, constant for differentiation of any order. */
const constantRowMax = tf.customGrad((x) => {
  const rows = x as tf.Tensor2D;
  return { value: tf.max(rows, 1, true), gradFunc: () => tf.zerosLike(rows) };
});

/** a / p, and 0 where p is below the smallest probability. NaN stays NaN. */
const overClipped = (a: tf.Tensor, p: tf.Tensor): tf.Tensor =>
  tf.where(tf.less(p, LEAST_PROBABILITY), tf.zerosLike(p), tf.div(a, p));

/** `overClipped` with derivatives u / p and -(u / p) (dy / p): p^2, which float32 takes for 0 below 1e-19, is in none. */
const quotient = tf.customGrad((...given) => {
  const [dy, p, save] = given as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
  save([dy, p]);
  const gradFunc = (u: tf.Tensor, [dy, p]: tf.Tensor[]) => {
    const share = overClipped(u, p!);
    return [share, tf.neg(tf.mul(share, overClipped(dy!, p!)))];
  };
  return { value: overClipped(dy, p), gradFunc };
});

/**
 * ln max(p, 1e-30). Its first and second derivatives stay finite where a softmax is sure of itself: with the stock ones
 * a probability of 0 gives 0 times infinity.
 */
const clippedLog = tf.customGrad((...given) => {
  const [p, save] = given as unknown as [tf.Tensor, tf.GradSaveFunc];
  save([p]);
  const value = tf.log(tf.maximum(p, LEAST_PROBABILITY));
  return { value, gradFunc: (dy: tf.Tensor, [p]: tf.Tensor[]) => quotient(dy, p!) };
});

/**
 * Cross-entropy of every example, natural logarithm: ln sum_c exp(z_c - max z) - (z_y - max z) of logits z, or
 * -ln max(p_y, 1e-30) of probabilities p. Differentiable; written without a softmax, so second derivatives are right.
 *
 * @param outputs `[n, classes]`
 * @param labels `[n]` integers, or `[n, classes]` one-hot (or soft) targets
 * @returns `[n]`; NaN where the outputs are NaN
 */
export function perExampleCrossEntropy(outputs: tf.Tensor, labels: tf.Tensor, kind: OutputKind): tf.Tensor1D {
  return tf.tidy(() => {
    const classes = outputs.shape[outputs.rank - 1]!;
    const rows = tf.reshape(outputs, [-1, classes]);
    const targets =
      labels.rank < 2
        ? tf.cast(tf.oneHot(tf.cast(labels as tf.Tensor1D, 'int32'), classes), 'float32')
        : tf.cast(labels, 'float32');
    if (kind === 'probabilities') return tf.neg(tf.sum(tf.mul(targets, clippedLog(rows)), 1)) as tf.Tensor1D;
    const shifted = tf.sub(rows, constantRowMax(rows));
    return tf.sub(tf.log(tf.sum(tf.exp(shifted), 1)), tf.sum(tf.mul(targets, shifted), 1)) as tf.Tensor1D;
  });
}

/** Loss and correctness of examples, each for itself. */
export interface Scores {
  readonly losses: Float64Array;
  /** 1 where the first largest output is the label's and no output is NaN or infinite, else 0. */
  readonly correct: Uint8Array;
  /** How many examples have an output that is NaN or infinite. */
  readonly notFinite: number;
}

/**
 * `perExampleCrossEntropy` and accuracy on the host, from outputs that were read back: sums in float64, and NaN never
 * counts as a correct answer.
 *
 * @param outputs `[n, classes]` in row order
 */
export function scoreOutputs(
  outputs: ArrayLike<number>,
  labels: ArrayLike<number>,
  { classes, kind }: { readonly classes: number; readonly kind: OutputKind },
): Scores {
  const n = labels.length;
  const losses = new Float64Array(n);
  const correct = new Uint8Array(n);
  let notFinite = 0;
  for (let i = 0; i < n; i++) {
    const row = i * classes;
    let best = 0;
    let finite = true;
    for (let c = 0; c < classes; c++) {
      const value = outputs[row + c]!;
      if (!Number.isFinite(value)) finite = false;
      if (value > outputs[row + best]!) best = c;
    }
    const target = outputs[row + labels[i]!]!;
    if (!finite) notFinite++;
    else if (best === labels[i]) correct[i] = 1;
    if (kind === 'probabilities') losses[i] = -Math.log(Math.max(target, LEAST_PROBABILITY));
    else {
      const most = outputs[row + best]!;
      let sum = 0;
      for (let c = 0; c < classes; c++) sum += Math.exp(outputs[row + c]! - most);
      losses[i] = finite ? Math.log(sum) - (target - most) : Number.NaN;
    }
  }
  return { losses, correct, notFinite };
}
