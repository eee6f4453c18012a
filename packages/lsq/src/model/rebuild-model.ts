import { heldLayers, isContainer, leafLayers, madeWeights } from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import {
  type LayersModel,
  type LayerVariable,
  type layers,
  Sequential,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { isQuantizedLayer } from '../layers/quantized-layer';
import { registeredClass } from '../layers/quantized-layer-class';
import { disposeLayer } from './dispose-model';

/** The class and configuration of one layer. */
export interface LayerEntry {
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>> & { readonly name: string };
}

/** A call of a layer. */
interface Node {
  readonly inboundLayers: readonly layers.Layer[];
  readonly inputTensors: readonly SymbolicTensor[];
  readonly outputTensors: readonly SymbolicTensor[];
  readonly callArgs: unknown;
}

/** The new class and configuration of a layer. */
type Rewrite = (entry: LayerEntry, path: string) => { className: string; config: object };

/** A model while it is rebuilt. */
interface Rebuild {
  readonly caller: string;
  readonly rewrite: Rewrite;
  /** Of the leaf layers of the model that is rebuilt. */
  readonly paths: ReadonlyMap<layers.Layer, string>;
  /** The new layers, by those that they were made from. */
  readonly made: Map<layers.Layer, layers.Layer>;
  /** The new tensors, by the id of those that they stand for. */
  readonly tensors: Map<number, SymbolicTensor>;
}

/**
 * A new model with the same graph and fresh weights, each layer made from what `rewrite` gives for its class and
 * configuration. A layer or nested model that is called several times, or reached by several paths, becomes one layer
 * that is called as often.
 *
 * @param caller the function that was called, for messages
 * @throws RangeError if layers share weights that no configuration tells of, TypeError if a class is not registered
 */
export function rebuildModel(caller: string, model: LayersModel, rewrite: Rewrite): LayersModel {
  const paths = new Map(leafLayers(model).map(({ layer, path }) => [layer, path]));
  const rebuild: Rebuild = { caller, rewrite, paths, made: new Map(), tensors: new Map() };
  requireOwnWeights(caller, model);
  const taken = new Set(model.weights);
  try {
    const result = layerOf(model, rebuild) as LayersModel;
    const metadata = model.getUserDefinedMetadata();
    if (metadata) result.setUserDefinedMetadata(metadata);
    const shared = leafLayers(result).find(({ layer }) => layer.weights.some((weight) => taken.has(weight)));
    if (!shared) return result;
    throw new RangeError(
      `${caller}: layer ${shared.path}, made from its configuration, has weights of the layer that it was made from; its class must give each layer weights of its own`,
    );
  } catch (error) {
    for (const layer of rebuild.made.values()) if (!isContainer(layer)) disposeLayer(layer, taken);
    throw error;
  }
}

function layerOf(layer: layers.Layer, rebuild: Rebuild): layers.Layer {
  const known = rebuild.made.get(layer);
  if (known) return known;
  const made = !isContainer(layer)
    ? leafOf(layer, rebuild)
    : layer instanceof Sequential
      ? sequenceOf(layer, rebuild)
      : graphOf(layer, rebuild);
  rebuild.made.set(layer, made);
  return made;
}

function leafOf(layer: layers.Layer, { caller, paths, rewrite }: Rebuild): layers.Layer {
  const config = JSON.parse(JSON.stringify(layer.getConfig())) as LayerEntry['config'];
  const className = layer.getClassName();
  const entry = { className, config };
  // Of a quantized layer the loader would say so, and name another function.
  registeredClass(caller, isQuantizedLayer(layer) ? layer.baseClassName : className);
  const path = paths.get(layer);
  const rewritten = path === undefined ? entry : rewrite(entry, path);
  const [layerClass, fromConfig] = registeredClass(caller, rewritten.className);
  const made = fromConfig(layerClass, rewritten.config as tf.serialization.ConfigDict, {}, true);
  made.setFastWeightInitDuringBuild(true);
  return made;
}

function graphOf(graph: LayersModel, rebuild: Rebuild): LayersModel {
  const [modelClass] = registeredClass(rebuild.caller, graph.getClassName());
  const inputs = graph.inputs.map((tensor) => tensorOf(tensor, rebuild));
  const outputs = graph.outputs.map((tensor) => tensorOf(tensor, rebuild));
  return new modelClass({ inputs, outputs, name: graph.name }) as LayersModel;
}

function sequenceOf(sequence: Sequential, rebuild: Rebuild): Sequential {
  const { caller, made, tensors } = rebuild;
  const [modelClass] = registeredClass(caller, sequence.getClassName());
  const model = new modelClass({ name: sequence.name }) as Sequential;
  const [first, ...others] = sequence.layers;
  const [input] = sequence.inputs;
  if (!first) return model;
  if (isContainer(first) || first === input?.sourceLayer) model.add(layerOf(first, rebuild));
  else {
    if (!input || nodesOf(first)[0]?.inputTensors[0] !== input)
      throw new RangeError(
        `${caller}: layer ${first.name} begins the sequential model ${sequence.name} and is part of another graph; build that graph with tf.model`,
      );
    // A first layer makes an input of its own only if it has not been called before.
    model.add(layerOf(input.sourceLayer, rebuild));
    model.add(layerOf(first, rebuild));
    model.layers.shift();
  }
  for (const layer of others) model.add(layerOf(layer, rebuild));
  // Other graphs may begin or end at a tensor between the layers.
  let [from, to] = [sequence.outputs[0], model.outputs[0]];
  while (from && to && made.get(from.sourceLayer) === to.sourceLayer) {
    tensors.set(from.id, to);
    [from, to] = [from.inputs[0], to.inputs[0]];
  }
  return model;
}

function tensorOf(tensor: SymbolicTensor, rebuild: Rebuild): SymbolicTensor {
  const { tensors } = rebuild;
  if (!tensors.has(tensor.id)) {
    const layer = tensor.sourceLayer;
    const made = layerOf(layer, rebuild);
    // Making the layer may have made the tensor: that of an input, or those within a sequential model.
    if (!tensors.has(tensor.id)) {
      const node = nodesOf(layer)[tensor.nodeIndex];
      const outputs = node.inboundLayers.length === 0 ? nodesOf(made)[0].outputTensors : called(made, node, rebuild);
      node.outputTensors.forEach((output, index) => void tensors.set(output.id, outputs[index]));
    }
  }
  return tensors.get(tensor.id)!;
}

/** The outputs of one more call of a new layer. */
function called(layer: layers.Layer, { inputTensors, callArgs }: Node, rebuild: Rebuild): readonly SymbolicTensor[] {
  const inputs = inputTensors.map((tensor) => tensorOf(tensor, rebuild));
  return [layer.apply(inputs.length === 1 ? inputs[0] : inputs, savedArguments(callArgs))].flat() as SymbolicTensor[];
}

/**
 * Throws a RangeError if a weight belongs to two layers of a model: one holds the other, or a layer of the graph is
 * wrapped in another. A configuration tells nothing of that, so that a rebuilt model would have two weights, or that of
 * the first model.
 */
function requireOwnWeights(caller: string, model: LayersModel): void {
  const owners = new Map<LayerVariable, string>();
  for (const { layer, path } of leafLayers(model))
    for (const weight of new Set([...layer.weights, ...heldLayers(layer).flatMap(madeWeights)])) {
      const owner = owners.get(weight);
      if (owner !== undefined)
        throw new RangeError(
          `${caller}: layers ${owner} and ${path} share the weight ${weight.originalName}, which a model made from their configurations cannot do; give each its own, or call one layer twice`,
        );
      owners.set(weight, path);
    }
}

/** The arguments of a call of a layer beside its inputs, as far as a saved model tells it. */
function savedArguments(callArgs: unknown): Record<string, never> {
  try {
    return JSON.parse(JSON.stringify(callArgs ?? {}));
  } catch {
    // States that are tensors of the graph are among the inputs too.
    return {};
  }
}

const nodesOf = (layer: layers.Layer): readonly Node[] => layer.inboundNodes as unknown as Node[];
