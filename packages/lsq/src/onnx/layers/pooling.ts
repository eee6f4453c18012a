import type { Graph } from '../graph/graph';
import { type LayerCall, mapOf, outputOf, type Translation } from '../graph/layer-call';
import { reshaped } from '../graph/value';
import { windowAttributes } from './windows';

const pooling =
  (op: 'MaxPool' | 'AveragePool'): Translation =>
  (call) => {
    const { config, graph } = call;
    const { map, sizes, moved } = mapOf(call);
    const window = {
      kernel: spread(config.poolSize, sizes.length),
      strides: spread(config.strides, sizes.length),
      padding: config.padding,
    };
    return outputOf(call, graph.node(op, [kept(graph, map.name)], windowAttributes(window, sizes)), moved);
  };

export const maxPooling = pooling('MaxPool');
export const averagePooling = pooling('AveragePool');

const globalPooling =
  (op: 'GlobalMaxPool' | 'GlobalAveragePool'): Translation =>
  (call: LayerCall) => {
    const { graph } = call;
    const pooled = graph.node(op, [mapOf(call).map.name]);
    return outputOf(call, reshaped(graph, pooled, call.outputShape.slice(1)));
  };

export const globalMaxPooling = globalPooling('GlobalMaxPool');
export const globalAveragePooling = globalPooling('GlobalAveragePool');

/**
 * The input of a pooling, out of reach of an optimization of ONNX Runtime, up to 1.30 at least: it makes the zeros of a Pad
 * those of the window, which a maximum leaves out, and then refuses windows that fit into them. A Max of one tensor is that
 * tensor.
 */
const kept = (graph: Graph, map: string): string => (graph.opOf(map) === 'Pad' ? graph.node('Max', [map]) : map);

/** A number for every axis, or one for all. */
const spread = (value: unknown, axes: number): readonly number[] =>
  Array.isArray(value) && value.length === axes ? value : new Array(axes).fill(([value].flat() as number[])[0]);
