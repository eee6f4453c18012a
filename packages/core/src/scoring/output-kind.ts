import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { layerClass } from '../model/layer-class';

/** One row for each example, one number for each of two or more classes: any number, or a probability. */
export type ClassKind = 'logits' | 'probabilities';

/**
 * The meaning of the numbers that a model returns for each example. It determines the loss and which answer is right.
 *
 * | kind | outputs | loss, natural logarithm | right where |
 * | --- | --- | --- | --- |
 * | `'logits'` | `[n, classes]`, before a softmax | cross-entropy | the first largest is the label's |
 * | `'probabilities'` | `[n, classes]`, after a softmax | cross-entropy | likewise |
 * | `'binaryLogits'` | `[n, 1]` z, before a sigmoid | cross-entropy of softmax(0, z) | z > 0 for label 1, z <= 0 for 0 |
 * | `'binaryProbability'` | `[n, 1]` p of class 1 | cross-entropy of (1 - p, p) | p > 1/2 for label 1, p <= 1/2 for 0 |
 * | `'regression'` | `[n, d]` numbers | their mean squared error | never: a regression has no accuracy |
 *
 * Of `[n, 1]` the second axis may be missing, and axes of length 1 may lie between the first and the last.
 */
export type OutputKind = ClassKind | 'binaryLogits' | 'binaryProbability' | 'regression';

export const OUTPUT_KINDS = ['logits', 'probabilities', 'binaryLogits', 'binaryProbability', 'regression'] as const;

/** How far the probabilities of a row may be from a sum of 1, and how near 1 the sum of logits must not lie. */
const SUM_TOLERANCE = 1e-2;
const SUSPICIOUS = 1e-3;

const reshaping = /^(Flatten|Reshape|Dropout|SpatialDropout1D|Permute|InputLayer)$/;

/**
 * The output kind of a model, read from the last layer that has an activation (reshapes are looked through) and, where
 * that leaves it open, from the loss that the model is compiled with: a softmax gives `'probabilities'`; a sigmoid of one
 * output `'binaryProbability'`; anything else `'regression'` where the model is compiled with the mean squared error, and
 * `'logits'` otherwise, or of one output `'binaryLogits'` where it is compiled with `tf.losses.sigmoidCrossEntropy`.
 *
 * @param caller the function that was called, for messages
 * @throws TypeError if the model has several outputs, returns other than one row for each example, ends in a sigmoid of
 * several outputs (which is no distribution over classes), or returns one number of which nothing says what it is
 */
export function outputKind(model: LayersModel, caller = 'outputKind'): OutputKind {
  if (model.outputs.length !== 1)
    throw new TypeError(`${caller}: the model must have one output, it has ${model.outputs.length}`);
  const { shape } = model.outputs[0];
  if (!shape.slice(1, -1).every((length) => length === 1)) throw notRows(caller, shape);
  const width = shape.length > 1 ? (shape[shape.length - 1] ?? Number.POSITIVE_INFINITY) : 1;
  const layer = lastActive(model);
  const { className, config } = layerClass(layer);
  const { activation } = config;
  if (className === 'Softmax' || activation === 'softmax') {
    if (width > 1) return 'probabilities';
    throw new TypeError(
      `${caller}: the model ends in a softmax over one output, which is always 1; end it in a sigmoid, or in a softmax over two classes or more`,
    );
  }
  if (activation === 'sigmoid' || activation === 'hardSigmoid') {
    if (width === 1) return 'binaryProbability';
    throw new TypeError(
      `${caller}: the last activation, ${activation} of ${layer.name}, makes each of ${width} outputs a probability by itself, so they are no distribution over classes; end the model in a softmax, or wrap one of the outputs as { forward, variables, output: 'binaryProbability' }`,
    );
  }
  const compiled = compiledFor(model);
  if (compiled === 'regression' || width > 1) return compiled === 'regression' ? compiled : 'logits';
  if (compiled) return compiled;
  throw new TypeError(
    `${caller}: the model returns one number without a sigmoid, which may be a logit or a regression; say output: 'binaryLogits' or output: 'regression'`,
  );
}

/**
 * How many numbers a model returned for each example.
 *
 * @param shape of the outputs
 * @param examples how many there were
 * @throws TypeError, naming the shape, if the outputs are not one row of two or more classes (`'binary…'`: of one number)
 * for each example
 */
export function outputWidth(shape: readonly number[], examples: number, kind: OutputKind, caller: string): number {
  const width = shape.length > 1 ? shape[shape.length - 1] : 1;
  if (shape[0] !== examples || !shape.slice(1, -1).every((length) => length === 1))
    throw notRows(caller, shape, examples);
  if ((kind === 'logits' || kind === 'probabilities') && width < 2)
    throw new TypeError(
      `${caller}: the model must return one number for each of two or more classes, it returns [${shape}] for ${examples} examples; if that is a probability or a logit of one of two classes, say output: 'binaryProbability' or 'binaryLogits', if it is a regression, output: 'regression'`,
    );
  if (kind.startsWith('binary') && width !== 1)
    throw new TypeError(
      `${caller}: output '${kind}' is one number for each example, the model returns [${shape}] for ${examples} examples`,
    );
  return width;
}

/**
 * Throws if outputs are not of the kind given: probabilities that are negative or whose rows don't sum to 1
 * (within 0.01), a binary probability outside [0, 1], and logits whose rows are all non-negative and sum to 1, which are
 * probabilities. (Not if every row is exactly 1 for one class and 0 for the others: a softmax never gives that, a net
 * made by hand may.) Rows with an output that is NaN or infinite are passed by.
 *
 * @param values outputs in row order, `width` for each example
 * @throws RangeError with the first row that is at odds with `kind`
 */
export function requireKind(
  values: ArrayLike<number>,
  { width, kind, caller }: { readonly width: number; readonly kind: OutputKind; readonly caller: string },
): void {
  const rows = Array.from({ length: values.length / width }, (_, row) =>
    Array.from({ length: width }, (_, column) => values[row * width + column]),
  ).filter((row) => row.every(Number.isFinite));
  const off = (row: readonly number[]) =>
    row.every((value) => value >= 0)
      ? Math.abs(row.reduce((sum, value) => sum + value, 0) - 1)
      : Number.POSITIVE_INFINITY;
  const shown = (row: readonly number[]) => `[${row.slice(0, 6).join(', ')}${row.length > 6 ? ', …' : ''}]`;
  const oneHot = (row: readonly number[]) => row.every((value) => value === 0 || value === 1);
  if (kind === 'logits' && rows.every((row) => off(row) < SUSPICIOUS) && !rows.every(oneHot))
    throw new RangeError(
      `${caller}: the outputs are probabilities: they are not negative and sum to 1, as ${shown(rows.find((row) => !oneHot(row))!)}; say output: 'probabilities' (if they are logits after all, say output: 'logits')`,
    );
  const wrong =
    kind === 'probabilities'
      ? rows.find((row) => off(row) > SUM_TOLERANCE)
      : kind === 'binaryProbability'
        ? rows.find(([p]) => !(p >= 0 && p <= 1))
        : undefined;
  if (wrong)
    throw new RangeError(
      `${caller}: the outputs are not the probabilities that they are said to be, as ${shown(wrong)}; say output: '${width > 1 ? 'logits' : 'binaryLogits'}', or end the model in a ${width > 1 ? 'softmax' : 'sigmoid'}`,
    );
}

/** The kind of `asClasses(outputs, kind)`: binary outputs are those of two classes. */
export function classKind(kind: OutputKind): ClassKind | 'regression' {
  if (kind === 'binaryLogits') return 'logits';
  return kind === 'binaryProbability' ? 'probabilities' : kind;
}

/** Binary outputs as those of two classes, (0, z) of a logit z and (1 - p, p) of a probability p; others as rows `[n, width]`. */
export function asClasses(outputs: tf.Tensor, kind: OutputKind): tf.Tensor2D {
  return tf.tidy(() => {
    const rows = tf.reshape(outputs, [outputs.shape[0], -1]) as tf.Tensor2D;
    if (kind === 'binaryLogits') return tf.concat([tf.zerosLike(rows), rows], 1);
    if (kind === 'binaryProbability') return tf.concat([tf.sub(1, rows) as tf.Tensor2D, rows], 1);
    return rows;
  });
}

function notRows(caller: string, shape: readonly (number | null)[], examples?: number): TypeError {
  const returned = `[${shape.map((length) => length ?? 'n')}]`;
  return new TypeError(
    `${caller}: the model must return one row for each example, [n, classes], it returns ${returned}${examples === undefined ? '' : ` for ${examples} examples`}; pool or flatten the axes between, or wrap it as { forward, variables } whose forward does`,
  );
}

/** The last layer that computes, nested models opened. */
function lastActive(model: LayersModel): layers.Layer {
  let tensor = model.outputs[0];
  for (;;) {
    const layer = tensor.sourceLayer;
    const inner = (layer as Partial<LayersModel>).outputs;
    if (Array.isArray((layer as Partial<LayersModel>).layers) && inner?.length === 1) tensor = inner[0];
    else if (doesNotCompute(layer) && tensor.inputs.length === 1) tensor = tensor.inputs[0];
    else return layer;
  }
}

function doesNotCompute(layer: layers.Layer): boolean {
  const name = layer.getClassName();
  return reshaping.test(name) || (name === 'Activation' && layer.getConfig().activation === 'linear');
}

/** The kind of output that the compiled loss implies, if any. */
function compiledFor(model: LayersModel): 'regression' | 'binaryLogits' | undefined {
  const losses: unknown = model.loss;
  const loss: unknown =
    typeof losses === 'object' && losses !== null && Object.keys(losses).length === 1
      ? Object.values(losses)[0]
      : losses;
  if (loss === 'meanSquaredError' || loss === 'mse' || loss === tf.losses.meanSquaredError) return 'regression';
  return loss === tf.losses.sigmoidCrossEntropy ? 'binaryLogits' : undefined;
}
