import { heldLayers, isContainer, leafLayers, madeWeights, namedWeights, pairWeights } from '@qgen/core';
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

/**
 * A new model with the same graph and fresh weights, each layer made from what `rewrite` gives for its class and
 * configuration. A layer or nested model that is called several times, or reached by several paths, becomes one layer
 * that is called as often.
 *
 * @param caller the function that was called, for messages
 * @throws RangeError if layers share weights that no configuration tells of, TypeError if a class is not registered
 */
export function rebuildModel(
  caller: string,
  model: LayersModel,
  rewrite: (entry: LayerEntry, path: string) => { className: string; config: object },
): LayersModel {
  const paths = new Map(leafLayers(model).map(({ layer, path }) => [layer, path]));
  const rebuilt = new Map<layers.Layer, layers.Layer>();
  // By the id of the tensor in the graph of `model`.
  const tensors = new Map<number, SymbolicTensor>();

  const layerOf = (layer: layers.Layer): layers.Layer => {
    let made = rebuilt.get(layer);
    if (!made) {
      made = !isContainer(layer) ? leafOf(layer) : layer instanceof Sequential ? sequenceOf(layer) : graphOf(layer);
      rebuilt.set(layer, made);
    }
    return made;
  };

  const leafOf = (layer: layers.Layer): layers.Layer => {
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
  };

  const graphOf = (graph: LayersModel): LayersModel => {
    const [modelClass] = registeredClass(caller, graph.getClassName());
    const { name } = graph;
    return new modelClass({
      inputs: graph.inputs.map(tensorOf),
      outputs: graph.outputs.map(tensorOf),
      name,
    }) as LayersModel;
  };

  const sequenceOf = (sequence: Sequential): Sequential => {
    const [modelClass] = registeredClass(caller, sequence.getClassName());
    const made = new modelClass({ name: sequence.name }) as Sequential;
    const [first, ...others] = sequence.layers;
    if (!first) return made;
    const [input] = sequence.inputs;
    if (isContainer(first) || first === input!.sourceLayer) made.add(layerOf(first));
    else {
      if (nodesOf(first)[0]!.inputTensors[0] !== input)
        throw new RangeError(
          `${caller}: layer ${first.name} begins the sequential model ${sequence.name} and is part of another graph; build that graph with tf.model`,
        );
      // A first layer makes an input of its own only if it has not been called before.
      made.add(layerOf(input.sourceLayer));
      made.add(layerOf(first));
      made.layers.shift();
    }
    for (const layer of others) made.add(layerOf(layer));
    // Other graphs may begin or end at a tensor between the layers.
    let [from, to] = [sequence.outputs[0], made.outputs[0]];
    while (from && to && rebuilt.get(from.sourceLayer) === to.sourceLayer) {
      tensors.set(from.id, to);
      [from, to] = [from.inputs[0], to.inputs[0]];
    }
    return made;
  };

  const tensorOf = (tensor: SymbolicTensor): SymbolicTensor => {
    if (!tensors.has(tensor.id)) {
      const layer = tensor.sourceLayer;
      const made = layerOf(layer);
      // Making the layer may have made the tensor: that of an input, or those within a sequential model.
      if (!tensors.has(tensor.id)) {
        const node = nodesOf(layer)[tensor.nodeIndex]!;
        const outputs = node.inboundLayers.length === 0 ? nodesOf(made)[0]!.outputTensors : called(made, node);
        node.outputTensors.forEach((output, index) => void tensors.set(output.id, outputs[index]!));
      }
    }
    return tensors.get(tensor.id)!;
  };

  const called = (layer: layers.Layer, { inputTensors, callArgs }: Node): SymbolicTensor[] => {
    const inputs = inputTensors.map(tensorOf);
    return [
      layer.apply(inputs.length === 1 ? inputs[0]! : inputs, savedArguments(callArgs)),
    ].flat() as SymbolicTensor[];
  };

  requireOwnWeights(caller, model);
  const taken = new Set(model.weights);
  try {
    const result = layerOf(model) as LayersModel;
    const metadata = model.getUserDefinedMetadata();
    if (metadata) result.setUserDefinedMetadata(metadata);
    const shared = leafLayers(result).find(({ layer }) => layer.weights.some((weight) => taken.has(weight)));
    if (!shared) return result;
    throw new RangeError(
      `${caller}: layer ${shared.path}, made from its configuration, has weights of the layer that it was made from; its class must give each layer weights of its own`,
    );
  } catch (error) {
    for (const layer of rebuilt.values()) if (!isContainer(layer)) disposeLayer(layer, taken);
    throw error;
  }
}

/**
 * Copies the weights of every layer to the layer of the same path, as `read` gives them (a new tensor is disposed).
 * Steps of kernels are left as they are, those of activations copied where both layers have them.
 */
export function copyWeights(
  caller: string,
  from: LayersModel,
  to: LayersModel,
  read: (weight: LayerVariable) => tf.Tensor = (weight) => weight.read(),
): void {
  const targets = new Map(leafLayers(to).map(({ layer, path }) => [path, layer]));
  for (const { layer, path } of leafLayers(from))
    copyLayer(caller, { path, from: layer, to: targets.get(path)!, read });
}

/** As `copyWeights`, for one layer. `added` is the name of a weight that only the second has. */
export function copyLayer(
  caller: string,
  { path, from, to, read, added }: LayerPair & { readonly read: (weight: LayerVariable) => tf.Tensor },
): void {
  const pairs = pairedWeights(caller, { path, from, to, added });
  if (isQuantizedLayer(from) && isQuantizedLayer(to) && from.inputQuantizer && to.inputQuantizer) {
    const targets = to.inputQuantizer.weights;
    pairs.push(...from.inputQuantizer.weights.map((weight, index) => [weight, targets[index]!] as const));
  }
  for (const [source, target] of pairs) {
    const value = read(source);
    setExactly(target, value);
    if (value !== source.read()) value.dispose();
    if (!source.trainable) target.trainable = false;
  }
}

/** Sets a weight past its constraint, which `fit` never applies, so that trained weights need not obey it. */
export function setExactly(weight: LayerVariable, value: tf.Tensor): void {
  (weight.read() as tf.Variable).assign(value);
}

interface LayerPair {
  readonly path: string;
  readonly from: layers.Layer;
  readonly to: layers.Layer;
  readonly added?: string | undefined;
}

/** The weights of a layer's class, each with its counterpart in the layer made from it. */
export function pairedWeights(
  caller: string,
  { path, from, to, added }: LayerPair,
): (readonly [from: LayerVariable, to: LayerVariable])[] {
  const targets = namedWeights(to, ownWeights(to)).filter(({ name }) => name !== added);
  return pairWeights(caller, path, namedWeights(from, ownWeights(from)), targets);
}

/** The weights of a layer's class, without the steps that quantizing added. */
function ownWeights(layer: layers.Layer): LayerVariable[] {
  return isQuantizedLayer(layer) ? layer.baseWeights : layer.weights;
}

/** Frees the weights of a model. Its own `dispose` leaves those of layers that are called twice. */
export function disposeModel(model: LayersModel): void {
  for (const { layer } of leafLayers(model)) disposeLayer(layer);
}

function disposeLayer(layer: layers.Layer, kept: ReadonlySet<LayerVariable> = new Set()): void {
  if (layer.weights.some((weight) => kept.has(weight)))
    for (const weight of layer.weights) kept.has(weight) || weight.dispose();
  else (layer as unknown as { disposeWeights(): number }).disposeWeights();
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
