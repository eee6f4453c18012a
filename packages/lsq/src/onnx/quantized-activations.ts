import type { ActivationQuantizer } from '../layers/activation-quantizer';
import { codeRange } from '../quantizer/grid';
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
  const type = codeType('activations', { bits, signed }, graph.opset)!;
  const { qn, qp } = codeRange({ bits, signed });
  const shift = shifts ? graph.floats([offset]) : null;
  let x = shift ? graph.node('Sub', [value.name, shift]) : value.name;
  // What a ReLU6 cuts off would get the outermost code anyway. ONNX Runtime 1.30 loses a node where it finds that out.
  const clip = graph.clipped(x);
  if (clip && Math.round(clip.lowest / step) <= qn && Math.round(clip.highest / step) >= qp) x = clip.x;
  if (type.bits > bits) x = graph.clip(x, qn * step, qp * step);
  const grid = [graph.floats([step]), graph.codes([0], [], type)];
  const codes = graph.node('QuantizeLinear', [x, ...grid]);
  graph.observe({ path, tensor: codes, rank: value.shape.length, moved: value.moved });
  x = graph.node('DequantizeLinear', [codes, ...grid]);
  return { ...value, name: shift ? graph.node('Add', [x, shift]) : x };
}
