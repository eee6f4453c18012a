import type { ActivationQuantizer } from '../layers/activation-quantizer';
import { codeRange } from '../quantizer/grid';
import { clipped } from './activations';
import { codeType } from './element-types';
import type { Graph } from './graph';
import type { Value } from './value';

/**
 * What a quantizer of activations makes of a value: QuantizeLinear and DequantizeLinear; with an offset β around it, Sub β
 * before and Add β after; and a Clip before where the codes don't fill a type of ONNX.
 */
export async function quantizedActivations(
  graph: Graph,
  path: string,
  quantizer: ActivationQuantizer,
  value: Value,
): Promise<Value> {
  const { bits, signed, offset: shifts } = quantizer.settings;
  const { step, offset } = await quantizer.values();
  const type = codeType(bits, signed, graph.opset)!;
  const shift = shifts ? graph.floats([offset]) : null;
  let x = shift ? graph.node('Sub', [value.name, shift]) : value.name;
  if (type.bits > bits) {
    const { qn, qp } = codeRange({ bits, signed });
    x = clipped(graph, x, qn * step, qp * step);
  }
  const grid = [graph.floats([step]), graph.codes([0], [], type)];
  const codes = graph.node('QuantizeLinear', [x, ...grid]);
  graph.observe({ path, tensor: codes, rank: value.shape.length, moved: value.moved });
  x = graph.node('DequantizeLinear', [codes, ...grid]);
  return { ...value, name: shift ? graph.node('Add', [x, shift]) : x };
}
