import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable, layers, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { layerClass } from './layer-class';
import { isContainer } from './leaf-layers';
import { namedWeights } from './pair-weights';

/** A batch normalization that follows a layer which is linear in its kernel, and nothing else follows that layer. */
export interface FoldableBatchNorm {
  readonly producer: layers.Layer;
  readonly batchNorm: layers.Layer;
}

/** The numbers of a batch normalization in inference, y = gamma (x - mean) / sqrt(variance + epsilon) + beta. */
export interface BatchNormStatistics {
  readonly gamma?: tf.Tensor;
  readonly beta?: tf.Tensor;
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
  readonly epsilon: number;
}

/**
 * The axes of a kernel that number its filters (output channels), by the name of the weight and the class of its layer:
 * the last axis of `[in, out]` and `[height, width, in, out]`, the last two of a depthwise `[height, width, in,
 * multiplier]`, the last but one of a transposed convolution's `[height, width, out, in]`. Of a vector its one axis.
 */
export function filterAxes(weightName: string, className: string, rank: number): readonly number[] {
  if (/depthwise_kernel(_\d+)?$/.test(weightName)) return [rank - 2, rank - 1];
  if (rank > 1 && /Conv\dDTranspose/.test(className)) return [rank - 2];
  return rank === 0 ? [] : [rank - 1];
}

/**
 * Every batch normalization of a model (nested models included) that can be folded into the layer before it.
 *
 * Matched along the edges of the graph, not by the order of layers, so shortcut branches are right. The producer is a
 * dense, convolution, depthwise or separable layer without activation, used once, whose output only the normalization
 * sees (layers that do nothing in inference, such as dropout, may lie between); the normalization works on the channels.
 * All nested models count: a layer that one of them calls elsewhere is not used once.
 * A normalization before the activation of a pre-activation network has no such producer and is not listed.
 */
export function foldableBatchNorms(model: LayersModel): FoldableBatchNorm[] {
  const { nodes, consumers, uses } = graph(model);
  const alone = (tensor: SymbolicTensor) => consumers.get(tensor.id) === 1 && uses.get(tensor.sourceLayer) === 1;
  return nodes.flatMap((output) => {
    const batchNorm = output.sourceLayer;
    if (batchNorm.getClassName() !== 'BatchNormalization' || uses.get(batchNorm) !== 1) return [];
    let input = output.inputs[0];
    while (input && alone(input) && doesNothing(input.sourceLayer)) input = input.inputs[0];
    if (!input || !alone(input)) return [];
    const producer = input.sourceLayer;
    return isLinear(producer) && normalizesChannels(batchNorm, producer, input.rank) ? [{ producer, batchNorm }] : [];
  });
}

/** The kernel of a producer whose filters are its output channels: of a separable convolution the pointwise one. */
export function outputKernel(producer: layers.Layer): LayerVariable {
  return namedWeights(producer).findLast(({ name }) => name.endsWith('kernel'))!.weight;
}

/**
 * Folds a batch normalization in inference mode into the kernel and bias before it, per output channel:
 * K' = K gamma / sqrt(variance + epsilon), b' = (b - mean) gamma / sqrt(variance + epsilon) + beta.
 *
 * @param axes the kernel's filter axes, `filterAxes` of its layer
 */
export function foldBatchNorm<T extends tf.Tensor>(
  { kernel, bias }: { readonly kernel: T; readonly bias?: tf.Tensor },
  { gamma, beta, mean, variance, epsilon }: BatchNormStatistics,
  axes: readonly number[],
): { kernel: T; bias: tf.Tensor } {
  const [folded, shift] = tf.tidy(() => {
    const deviation = tf.sqrt(tf.add(variance, epsilon));
    const scale = gamma ? tf.div(gamma, deviation) : tf.div(1, deviation);
    const spread = kernel.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
    const centred = bias ? tf.sub(bias, mean) : tf.neg(mean);
    const moved = tf.mul(centred, scale);
    return [tf.mul(kernel, tf.reshape(scale, spread)) as T, beta ? tf.add(moved, beta) : moved] as const;
  });
  return { kernel: folded, bias: shift };
}

const linearLayers = /^(Dense|Conv[123]D|Conv[23]DTranspose|DepthwiseConv2D|SeparableConv2D)$/;
const idleLayers = /^(Dropout|SpatialDropout1D|AlphaDropout|GaussianDropout|GaussianNoise)$/;

function isLinear(layer: layers.Layer): boolean {
  const { className, config } = layerClass(layer);
  return linearLayers.test(className) && (config.activation == null || config.activation === 'linear');
}

function doesNothing(layer: layers.Layer): boolean {
  const name = layer.getClassName();
  return idleLayers.test(name) || (name === 'Activation' && layer.getConfig().activation === 'linear');
}

function normalizesChannels(batchNorm: layers.Layer, producer: layers.Layer, rank: number): boolean {
  const axis = batchNorm.getConfig().axis as number;
  const channels = layerClass(producer).config.dataFormat === 'channelsFirst' ? 1 : rank - 1;
  return (axis < 0 ? axis + rank : axis) === channels;
}

/**
 * The graph of a model and of the models nested in it: one output per node, how many nodes read a tensor, how often a
 * layer is used.
 */
function graph(model: LayersModel) {
  const nodes: SymbolicTensor[] = [];
  const consumers = new Map<number, number>();
  const uses = new Map<layers.Layer, number>();
  const seen = new Set<unknown>();
  const stack: SymbolicTensor[] = [];
  const read = (tensor: SymbolicTensor): void => {
    consumers.set(tensor.id, (consumers.get(tensor.id) ?? 0) + 1);
    stack.push(tensor);
  };
  const enter = (container: LayersModel): void => {
    if (seen.has(container)) return;
    seen.add(container);
    // Outputs of the model are read outside of its graph.
    container.outputs.forEach(read);
  };
  enter(model);
  while (stack.length > 0) {
    const tensor = stack.pop()!;
    const layer = tensor.sourceLayer;
    const node = `${layer.id}/${tensor.nodeIndex}`;
    if (seen.has(node)) continue;
    seen.add(node);
    nodes.push(tensor);
    uses.set(layer, (uses.get(layer) ?? 0) + 1);
    tensor.inputs.forEach(read);
    if (isContainer(layer)) enter(layer);
  }
  return { nodes, consumers, uses };
}
