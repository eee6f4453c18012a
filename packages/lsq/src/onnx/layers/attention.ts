import * as tf from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';
import type { Graph } from '../graph/graph';
import { floatTensor } from '../graph/kernels';
import { type LayerCall, outputOf, type Translation } from '../graph/layer-call';
import { asInModel, reshaped, transposed } from '../graph/value';

/**
 * The layers of vision transformers that @qgen/models brings, by what each of them documents. What a layer does with the
 * places of a map is asked of the layer itself, so that it is written down once.
 */

/** [..., n, heads d] → [..., heads, n, d]. */
export const splittingHeads: Translation = (call) => {
  const { graph, config } = call;
  const x = asInModel(graph, call.inputs[0]);
  const heads = config.heads as number;
  const split = [...x.shape.slice(1, -1), heads, x.shape.at(-1)! / heads];
  return outputOf(call, swapped(call, reshaped(graph, x.name, split), split.length + 1));
};

/** softmax(q kᵀ / √d + bias), the bias as the layer has it: positions and mask. */
export const attentionWeights: Translation = async (call) => {
  const { graph } = call;
  const [queries, keys] = call.inputs.map((input) => asInModel(graph, input)) as [LayerInput, LayerInput];
  const rank = keys.shape.length;
  const axes = keys.shape.map((_, axis) => axis);
  const turned = transposed(graph, keys.name, [...axes.slice(0, rank - 2), rank - 1, rank - 2]);
  const scale = graph.floats([1 / Math.sqrt(queries.shape.at(-1)!)]);
  const logits = graph.node('MatMul', [graph.node('Mul', [queries.name, scale]), turned]);
  const { index, mask } = call.layer as layers.Layer & Windowed;
  const placed = index ? graph.node('Add', [logits, await positionBias(call, index)]) : logits;
  const masked = mask ? graph.node('Add', [placed, windowMask(graph, mask, keys.shape.at(-2)!)]) : placed;
  return outputOf(call, graph.node('Softmax', [masked], { axis: rank - 1 }));
};

/** What AttentionWeights of @qgen/models has beside its table, null without windows, the mask also where none is shifted. */
interface Windowed {
  readonly index: Int32Array | null;
  readonly mask: Float32Array | null;
}

/** [heads, n, n] from the table of relative position biases. */
async function positionBias(call: LayerCall, index: Int32Array): Promise<string> {
  const { graph } = call;
  const table = (await call.weight('relative_position_bias'))!;
  const n = Math.sqrt(index.length);
  const rows = graph.node('Gather', [floatTensor(graph, table), graph.indices(index, [index.length])], { axis: 0 });
  return graph.node('Reshape', [transposed(graph, rows, [1, 0]), graph.integers([table.shape[1], n, n])]);
}

/**
 * [windows, 1, n, n]: 0 for two tokens of one region, else what the mask has. The file tells the regions, of which there
 * are n times fewer: the region of a token is the first token that it may attend to.
 */
function windowMask(graph: Graph, mask: Float32Array, n: number): string {
  const windows = mask.length / n ** 2;
  const regions = Int32Array.from({ length: windows * n }, (_, row) =>
    mask.subarray(row * n, (row + 1) * n).indexOf(0),
  );
  const [rows, columns] = [graph.indices(regions, [windows, 1, n, 1]), graph.indices(regions, [windows, 1, 1, n])];
  const [none, separated] = [graph.floats([0]), graph.floats([Math.min(...new Set(mask))])];
  return graph.node('Where', [graph.node('Equal', [rows, columns]), none, separated]);
}

/** [..., heads, n, n] and [..., heads, n, d] → [..., n, heads d]. */
export const attentionMix: Translation = (call) => {
  const { graph } = call;
  const [weights, values] = call.inputs.map((input) => asInModel(graph, input)) as [LayerInput, LayerInput];
  const mixed = graph.node('MatMul', [weights.name, values.name]);
  return outputOf(call, reshaped(graph, swapped(call, mixed, values.shape.length), call.outputShape.slice(1)));
};

/** One learned token before the others. */
export const classToken: Translation = async (call) => {
  const { graph } = call;
  const x = asInModel(graph, call.inputs[0]);
  const token = floatTensor(graph, (await call.weight('token'))!);
  const first = graph.node('Slice', [x.name, ...[[0], [1], [1]].map((each) => graph.integers(each))]);
  // The token for every example, of which the file does not know how many there are.
  const tokens = graph.node('Expand', [token, graph.node('Shape', [first])]);
  return outputOf(call, graph.node('Concat', [tokens, x.name], { axis: 1 }));
};

export const firstToken: Translation = (call) => {
  const { graph } = call;
  const x = asInModel(graph, call.inputs[0]);
  return outputOf(call, graph.node('Gather', [x.name, graph.indices([0], [])], { axis: 1 }));
};

export const positionEmbedding: Translation = async (call) => {
  const { graph } = call;
  const x = asInModel(graph, call.inputs[0]);
  return outputOf(call, graph.node('Add', [x.name, floatTensor(graph, (await call.weight('bias'))!)]));
};

/**
 * A layer that moves tokens and changes none: [batch, ...places, channels] to some other shape. Given the numbers of the
 * places as tokens of one channel, it says which goes where.
 */
export const movingTokens: Translation = async (call) => {
  const { graph, layer } = call;
  const x = asInModel(graph, call.inputs[0]);
  const places = x.shape.slice(1, -1) as number[];
  const count = places.reduce((product, size) => product * size, 1);
  const moved = tf.tidy(() => calledOn(layer, tf.reshape(tf.range(0, count), [1, ...places, 1])));
  const order = await moved.data();
  moved.dispose();
  const tokens = reshaped(graph, x.name, [count, x.shape.at(-1)!]);
  const gathered = graph.node('Gather', [tokens, graph.indices(order, [count])], { axis: 1 });
  return outputOf(call, reshaped(graph, gathered, call.outputShape.slice(1)));
};

/**
 * An average over overlapping bins of a map: a matrix for the rows, one for the columns. Given the identity, the layer says
 * which.
 */
export const adaptiveAveragePooling: Translation = async (call) => {
  const { graph } = call;
  const x = asInModel(graph, call.inputs[0]);
  const [, height, width, channels] = x.shape as [null, number | null, number | null, number];
  if (height === null || width === null) return call.refuse('a map whose size the input decides');
  const [rows, columns] = [await averaging(call, height), await averaging(call, width)];
  const size = call.config.size as number;
  const averaged = graph.node('MatMul', [rows, reshaped(graph, x.name, [height, width * channels])]);
  const split = reshaped(graph, averaged, [size, width, channels]);
  return outputOf(call, graph.node('MatMul', [columns, split]));
};

type LayerInput = LayerCall['inputs'][0];

/** The matrix [bins, places] by which the layer averages a row. */
async function averaging(call: LayerCall, places: number): Promise<string> {
  const matrix = tf.tidy(() => {
    const averaged = calledOn(call.layer, tf.reshape(tf.eye(places), [1, places, 1, places]));
    return tf.squeeze(tf.slice(averaged, [0, 0, 0, 0], [1, -1, 1, -1]), [0, 2]);
  });
  return constant(call, matrix);
}

async function constant({ graph }: LayerCall, tensor: tf.Tensor): Promise<string> {
  const values = await tensor.data();
  tensor.dispose();
  return graph.floats(values, tensor.shape);
}

const calledOn = (layer: layers.Layer, x: tf.Tensor): tf.Tensor => layer.call(x, {}) as tf.Tensor;

/** [..., a, b, d] → [..., b, a, d]. */
function swapped({ graph }: LayerCall, tensor: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return transposed(graph, tensor, [...axes.slice(0, rank - 3), rank - 2, rank - 3, rank - 1]);
}
