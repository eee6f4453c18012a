import { activated } from '../graph/activations';
import { floatTensor, kernelTensor } from '../graph/kernels';
import { type LayerCall, mapOf, outputOf, type Translation, type Weight } from '../graph/layer-call';
import type { Value } from '../graph/value';
import { type Window, windowAttributes } from './windows';

/** Conv1D, Conv2D and Conv3D: kernels [...spatial, in, out] become [out, in, ...spatial]. */
export const convolution: Translation = async (call) => {
  const { graph } = call;
  const { map, sizes, moved } = mapOf(call);
  const weight = (await call.weight('kernel'))!;
  const spatial = sizes.length;
  const perm = [spatial + 1, spatial, ...sizes.map((_, axis) => axis)];
  const kernel = kernelTensor(call, weight, { perm });
  const window = windowAttributes(windowOf(call, weight), sizes);
  return activated(
    call,
    outputOf(call, graph.node('Conv', [map.name, kernel, ...(await biasOf(call))], window), moved),
  );
};

/**
 * DepthwiseConv2D: a kernel [height, width, in, multiplier] becomes [in multiplier, 1, height, width], a group a channel.
 * The layer of tfjs (4.22) has a dilationRate that it computes without, and so does the file.
 */
export const depthwiseConvolution: Translation = async (call) => {
  const { map, sizes, moved } = mapOf(call);
  const weight = (await call.weight('depthwise_kernel'))!;
  const window = { ...windowOf(call, weight), dilations: [1, 1] };
  return activated(call, outputOf(call, depthwise(call, { map, sizes, weight, window }, await biasOf(call)), moved));
};

/** SeparableConv2D: a depthwise convolution and one of 1×1. */
export const separableConvolution: Translation = async (call) => {
  const { graph } = call;
  const { map, sizes, moved } = mapOf(call);
  const weight = (await call.weight('depthwise_kernel'))!;
  const filtered = depthwise(call, { map, sizes, weight, window: windowOf(call, weight) }, []);
  const pointwise = kernelTensor(call, (await call.weight('pointwise_kernel'))!, { perm: [3, 2, 0, 1] });
  const mixed = graph.node('Conv', [filtered, pointwise, ...(await biasOf(call))], { kernel_shape: [1, 1] });
  return activated(call, outputOf(call, mixed, moved));
};

/**
 * Conv2DTranspose: a kernel [height, width, out, in] becomes [in, out, height, width]. It is the gradient of a convolution
 * of the same padding, so that 'same' gives size × stride places: of kernel - stride surplus ones half are cut at the
 * beginning and the rest at the end, and missing ones are added at the end.
 */
export const transposedConvolution: Translation = async (call) => {
  const { graph, config } = call;
  const { map, moved } = mapOf(call);
  const weight = (await call.weight('kernel'))!;
  const { kernel, strides } = windowOf(call, weight);
  const surplus = kernel.map((size, axis) => size - strides[axis]);
  const same = config.padding === 'same';
  const cut = same ? surplus.map((size) => Math.max(size, 0)) : surplus.map(() => 0);
  const added = surplus.map((size) => Math.max(-size, 0));
  const pads = [...cut.map((size) => Math.floor(size / 2)), ...cut.map((size) => Math.ceil(size / 2))];
  const attributes = { kernel_shape: kernel, strides, pads, output_padding: added };
  const tensor = kernelTensor(call, weight, { perm: [3, 2, 0, 1] });
  const output = graph.node('ConvTranspose', [map.name, tensor, ...(await biasOf(call))], attributes);
  return activated(call, outputOf(call, output, moved));
};

interface Depthwise {
  readonly map: Value;
  readonly sizes: Value['shape'];
  readonly weight: Weight;
  readonly window: Window;
}

function depthwise(call: LayerCall, { map, sizes, weight, window }: Depthwise, bias: readonly string[]): string {
  const [height, width, channels, multiplier] = weight.shape as [number, number, number, number];
  const shape = [channels * multiplier, 1, height, width];
  const kernel = kernelTensor(call, weight, { perm: [2, 3, 0, 1], shape });
  return call.graph.node('Conv', [map.name, kernel, ...bias], { group: channels, ...windowAttributes(window, sizes) });
}

function windowOf({ config }: LayerCall, { shape }: Weight) {
  return {
    kernel: shape.slice(0, -2),
    strides: config.strides as number[],
    dilations: (config.dilationRate as number[] | undefined) ?? shape.slice(0, -2).map(() => 1),
    padding: config.padding,
  };
}

async function biasOf(call: LayerCall): Promise<string[]> {
  const bias = await call.weight('bias');
  return bias ? [floatTensor(call.graph, bias)] : [];
}
