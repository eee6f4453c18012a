import type { ActivationQuantizer } from '../../layers/activation-quantizer';
import { codeRange } from '../../quantizer/grid';
import { STEP_RANGE } from '../../quantizer/step-size';
import { codeType } from '../file/element-types';
import type { Graph } from './graph';
import { axisIn, type Value } from './value';

/**
 * The value that a quantizer of activations makes of another: QuantizeLinear and DequantizeLinear; with an offset β around it, Sub β
 * before and Add β after; and a Clip before where the codes don't fill their type.
 */
export async function quantizedActivations(
  graph: Graph,
  path: string,
  quantizer: ActivationQuantizer,
  value: Value,
): Promise<Value> {
  const { bits, signed, offset: shifts } = quantizer.settings;
  const { steps, offsets, axis } = await quantizer.values();
  const place = axis === null ? null : axisIn(value, axis);
  const effective = steps.map((step) => Math.max(Math.abs(step), STEP_RANGE.smallest));
  /** A constant for every step, or one for all, in a shape that broadcasts to the value. */
  const spread = (values: Float32Array) =>
    graph.floats(values, place === null ? [] : [values.length, ...value.shape.slice(place + 1).map(() => 1)]);
  const type = codeType('activations', { bits, signed }, graph.opset)!;
  const { qn, qp } = codeRange({ bits, signed });
  const shift = shifts ? spread(offsets) : null;
  let x = shift ? graph.node('Sub', [value.name, shift]) : value.name;
  // What a ReLU6 cuts off would get the outermost code anyway. ONNX Runtime 1.30 loses a node where it finds that out.
  const clip = graph.clipped(x);
  const covers = (step: number) => Math.round(clip!.lowest / step) <= qn && Math.round(clip!.highest / step) >= qp;
  if (clip && effective.every(covers)) x = clip.x;
  if (type.bits > bits) {
    const bound = (code: number) => spread(effective.map((step) => code * step));
    x = place === null ? graph.clip(x, qn * effective[0], qp * effective[0]) : between(graph, x, bound(qn), bound(qp));
  }
  const sizes = place === null ? [] : [steps.length];
  const grid = [graph.floats(effective, sizes), graph.codes(new Int8Array(steps.length), sizes, type)];
  const attributes: Readonly<Record<string, number>> = place === null ? {} : { axis: place };
  const codes = graph.node('QuantizeLinear', [x, ...grid], attributes);
  graph.observe({ path, tensor: codes, rank: value.shape.length, moved: value.moved, several: place !== null });
  x = graph.node('DequantizeLinear', [codes, ...grid], attributes);
  return { ...value, name: shift ? graph.node('Add', [x, shift]) : x };
}

/** As Clip, whose bounds can be numbers only. */
const between = (graph: Graph, x: string, lowest: string, highest: string): string =>
  graph.node('Min', [graph.node('Max', [x, lowest]), highest]);
