import { isContainer, layerClass, leafLayers, namedWeights } from '@qgen/core';
import type { LayersModel, LayerVariable, layers, SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { KernelCodes } from '../export/shipped-model';
import { FakeQuant } from '../layers/fake-quant-layer';
import { isQuantizedLayer } from '../layers/quantized-layer';
import { FLOAT, INT32 } from './file/element-types';
import type { Port } from './file/model-proto';
import { emptyGraph, type WrittenGraph } from './graph/graph';
import type { LayerCall, Weight } from './graph/layer-call';
import { quantizedActivations } from './graph/quantized-activations';
import { asInModel, type Shape, type Value } from './graph/value';
import { TRANSLATIONS } from './translations';

/** Throws a RangeError that names every layer of a model whose class has no translation. */
export function requireTranslations(caller: string, model: LayersModel): void {
  const without = leafLayers(model).flatMap(({ layer, path }) => {
    const { className } = layerClass(layer);
    return className === 'InputLayer' || TRANSLATIONS.has(className) ? [] : `${path} (${className})`;
  });
  if (without.length > 0)
    throw new RangeError(
      `${caller}: there is no translation to ONNX of layer ${without.join(', ')}; build the model of layers that have one: ${[...TRANSLATIONS.keys()].join(', ')}`,
    );
}

/**
 * The graph of a model as operators of ONNX. Inputs and outputs have the names and shapes that they have in the model, with
 * the batch and what else is open as named dimensions.
 *
 * @param model one without quantized kernels; inputs of its layers may be quantized
 * @param kernels the codes of its kernels that were quantized
 */
export async function translateModel(
  caller: string,
  model: LayersModel,
  kernels: ReadonlyMap<LayerVariable, KernelCodes>,
  opset: number,
): Promise<WrittenGraph> {
  const inputs = portsOf(model.inputs);
  const outputs = portsOf(model.outputs, inputs);
  const graph = emptyGraph(
    opset,
    [...inputs, ...outputs].map(({ name }) => name),
  );
  const paths = new Map(leafLayers(model).map(({ layer, path }) => [layer, path]));

  const container = async (nested: LayersModel, given: readonly Value[]): Promise<Value[]> => {
    const known = new Map(nested.inputs.map((tensor, index) => [tensor.id, given[index]]));
    const translated = async (tensor: SymbolicTensor): Promise<Value> => {
      const before = known.get(tensor.id);
      if (before) return before;
      const values: Value[] = [];
      const { inputTensors, outputTensors } = nodeOf(tensor);
      for (const input of inputTensors) values.push(await translated(input));
      const layer = tensor.sourceLayer;
      const results = isContainer(layer)
        ? await container(layer, values)
        : [await layerValue(layer, values as [Value, ...Value[]], tensor.shape)];
      for (const [index, output] of outputTensors.entries()) known.set(output.id, results[index]);
      return known.get(tensor.id)!;
    };
    const results: Value[] = [];
    for (const output of nested.outputs) results.push(await translated(output));
    return results;
  };

  const layerValue = async (
    layer: layers.Layer,
    inputs: readonly [Value, ...Value[]],
    outputShape: Shape,
  ): Promise<Value> => {
    const path = paths.get(layer)!;
    const { className, config } = layerClass(layer);
    const quantizer = isQuantizedLayer(layer)
      ? layer.inputQuantizer
      : layer instanceof FakeQuant
        ? layer.quantizer
        : null;
    const [first, ...others] = inputs;
    const call: LayerCall = {
      graph,
      layer,
      className,
      config,
      inputs: quantizer ? [await quantizedActivations(graph, path, quantizer, first), ...others] : inputs,
      outputShape,
      weight: (name) => weightOf(layer, path, name, kernels),
      refuse: (what) => {
        throw new RangeError(
          `${caller}: layer ${path} (${className}) has no translation to ONNX because of ${what}; change that in the model`,
        );
      },
    };
    return TRANSLATIONS.get(className)!(call);
  };

  for (const port of inputs) graph.input(port);
  const given = inputs.map(({ name }, index) => ({ name, shape: model.inputs[index].shape, moved: false }));
  const results = await container(model, given);
  for (const [index, result] of results.entries()) graph.output(asInModel(graph, result).name, outputs[index]);
  return graph.parts(model.name);
}

async function weightOf(
  layer: layers.Layer,
  path: string,
  wanted: string,
  kernels: ReadonlyMap<LayerVariable, KernelCodes>,
): Promise<Weight | undefined> {
  const own = isQuantizedLayer(layer) ? layer.baseWeights : layer.weights;
  const weight = namedWeights(layer, own).find(({ name }) => name === wanted)?.weight;
  if (!weight) return undefined;
  const shape = weight.shape as number[];
  const name = `${path}/${wanted}`;
  const quantized = kernels.get(weight);
  if (quantized) return { name, shape, values: quantized.codes, codes: quantized };
  return { name, shape, values: (await weight.read().data()) as Float32Array, codes: null };
}

/** The inputs or outputs of a model, named after their layers: the second of a name is `name#2`. */
function portsOf(tensors: readonly SymbolicTensor[], before: readonly Port[] = []): Port[] {
  const taken = new Set(before.map(({ name }) => name));
  return tensors.map(({ shape, dtype, sourceLayer }) => {
    let name = sourceLayer.name;
    for (let count = 2; taken.has(name); count++) name = `${sourceLayer.name}#${count}`;
    taken.add(name);
    const sizes = shape.map((size, axis) => size ?? (axis === 0 ? 'batch' : `${name}:${axis}`));
    return { name, type: dtype === 'int32' ? INT32 : FLOAT, shape: sizes };
  });
}

interface CallNode {
  readonly inputTensors: readonly SymbolicTensor[];
  readonly outputTensors: readonly SymbolicTensor[];
}

function nodeOf(tensor: SymbolicTensor): CallNode {
  const { nodeIndex } = tensor as unknown as { readonly nodeIndex: number };
  return (tensor.sourceLayer.inboundNodes as unknown as readonly CallNode[])[nodeIndex];
}
