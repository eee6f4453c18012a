import { type LayerCall, mapOf, outputOf, type Translation } from '../graph/layer-call';
import { asInModel, reshaped, transposed } from '../graph/value';

/** A layer that puts its elements, in the order that they have, into another shape. */
export const reshaping: Translation = (call) => {
  const { graph } = call;
  return outputOf(call, reshaped(graph, asInModel(graph, call.inputs[0]).name, sizesOf(call)));
};

export const flattening: Translation = (call) => {
  const { graph, config } = call;
  const x = asInModel(graph, call.inputs[0]);
  const axes = x.shape.map((_, axis) => axis);
  const last = config.dataFormat === 'channelsFirst' ? transposed(graph, x.name, [0, ...axes.slice(2), 1]) : x.name;
  return outputOf(call, reshaped(graph, last, sizesOf(call)));
};

export const permuting: Translation = (call) => {
  const { graph, config } = call;
  return outputOf(call, transposed(graph, asInModel(graph, call.inputs[0]).name, [0, ...(config.dims as number[])]));
};

/** [batch, channels] → [batch, n, channels]. */
export const repeating: Translation = (call) => {
  const { graph, config, inputs } = call;
  const row = reshaped(graph, inputs[0].name, [1, inputs[0].shape[1]!]);
  return outputOf(call, graph.node('Tile', [row, graph.integers([1, config.n as number, 1])]));
};

export const zeroPadding: Translation = (call) => {
  const { graph, config } = call;
  const { map, moved } = mapOf(call);
  const border = config.padding as Border;
  const pads = [0, 0, ...border.map(([before]) => before), 0, 0, ...border.map(([, after]) => after)];
  return outputOf(call, graph.node('Pad', [map.name, graph.integers(pads)]), moved);
};

export const cropping: Translation = (call) => {
  const { graph, config } = call;
  const { map, moved } = mapOf(call);
  const border = config.cropping as Border;
  const starts = graph.integers(border.map(([before]) => before));
  const ends = graph.integers(border.map(([, after]) => (after === 0 ? WHOLE : -after)));
  return outputOf(call, graph.node('Slice', [map.name, starts, ends, graph.integers([2, 3])]), moved);
};

export const upSampling: Translation = (call) => {
  const { graph, config } = call;
  const { map, moved } = mapOf(call);
  const scales = graph.floats([1, 1, ...(config.size as number[])], [4]);
  const bilinear = config.interpolation === 'bilinear';
  const output = graph.node('Resize', [map.name, '', scales], {
    coordinate_transformation_mode: 'asymmetric',
    mode: bilinear ? 'linear' : 'nearest',
    ...(!bilinear && { nearest_mode: 'floor' }),
  });
  return outputOf(call, output, moved);
};

/** Top and bottom, left and right. */
type Border = readonly (readonly [number, number])[];

/** An end beyond every size. */
const WHOLE = 2 ** 31 - 1;

/** The sizes of the output after the batch, of which one may be open. */
function sizesOf(call: LayerCall) {
  const sizes = call.outputShape.slice(1);
  if (sizes.filter((size) => size === null).length > 1)
    call.refuse(`an output of shape [${call.outputShape.map(String)}], of which several sizes are open`);
  return sizes;
}
