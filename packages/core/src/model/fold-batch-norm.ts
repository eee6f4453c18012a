import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { layerClass } from './layer-class';
import { isContainer } from './leaf-layers';

/** A batch normalization that follows a layer which is linear in its kernel, and nothing else follows that layer. */
export interface FoldableBatchNorm {
  readonly producer: layers.Layer;
  readonly batchNorm: layers.Layer;
}

/** What a batch normalization does in inference: y = gamma (x - mean) / sqrt(variance + epsilon) + beta. */
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
 * multiplier]`, the last but one of a transposed convolution's `[height, width, out, in]`.
 */
export function filterAxes(weightName: string, className: string, rank: number): readonly number[] {
  if (/depthwise_kernel(_\d+)?$/.test(weightName)) return [rank - 2, rank - 1];
  if (/Conv\dDTranspose/.test(className)) return [rank - 2];
  return rank === 0 ? [] : [rank - 1];
}

/**
 * Every batch normalization of a model (nested models included) that can be folded into the layer before it.
 *
 * Matched along the edges of the graph, not by the order of layers, so shortcut branches are right. The producer is a
 * dense, convolution, depthwise or separable layer without activation, used once, whose output only the normalization
 * sees (layers that do nothing in inference, such as dropout, may lie between); the normalization works on the channels.
 * A normalization before the activation of a pre-activation network has no such producer and is not listed.
 */
export function foldableBatchNorms(model: LayersModel): FoldableBatchNorm[] {
  const found: FoldableBatchNorm[] = [];
  const seen = new Set<unknown>();
  const visit = (container: Pick<LayersModel, 'outputs'>): void => {
    if (seen.has(container)) return;
    seen.add(container);
    const { nodes, consumers, uses } = graph(container.outputs);
    for (const output of nodes) {
      const layer = output.sourceLayer;
      if (isContainer(layer)) visit(layer);
      if (layer.getClassName() !== 'BatchNormalization' || uses.get(layer) !== 1) continue;
      const alone = (tensor: SymbolicTensor) => consumers.get(tensor.id) === 1 && uses.get(tensor.sourceLayer) === 1;
      let input = output.inputs[0];
      while (input && alone(input) && doesNothing(input.sourceLayer)) input = input.inputs[0];
      if (input && alone(input) && isLinear(input.sourceLayer) && normalizesChannels(layer, input.rank))
        found.push({ producer: input.sourceLayer, batchNorm: layer });
    }
  };
  visit(model);
  return found;
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

function normalizesChannels(batchNorm: layers.Layer, rank: number): boolean {
  const axis = batchNorm.getConfig().axis;
  return axis === -1 || axis === rank - 1;
}

/** Everything that `outputs` depend on: one output per node, how many nodes read a tensor, how often a layer is used. */
function graph(outputs: readonly SymbolicTensor[]) {
  const nodes: SymbolicTensor[] = [];
  const consumers = new Map<number, number>();
  const uses = new Map<layers.Layer, number>();
  const seen = new Set<string>();
  const stack = [...outputs];
  // What the model returns has a reader outside the graph.
  for (const output of outputs) consumers.set(output.id, 1);
  while (stack.length > 0) {
    const tensor = stack.pop()!;
    const node = `${tensor.sourceLayer.id}/${tensor.nodeIndex}`;
    if (seen.has(node)) continue;
    seen.add(node);
    nodes.push(tensor);
    uses.set(tensor.sourceLayer, (uses.get(tensor.sourceLayer) ?? 0) + 1);
    for (const input of tensor.inputs) {
      consumers.set(input.id, (consumers.get(input.id) ?? 0) + 1);
      stack.push(input);
    }
  }
  return { nodes, consumers, uses };
}
