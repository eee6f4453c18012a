import { heldLayers, isContainer } from '@qgen/core';
import type { LayersModel, layers, SymbolicTensor } from '@tensorflow/tfjs-layers';

/** A call of a nested model: the tensors that went into it, in the order of its inputs. */
interface Frame {
  readonly inputLayers: readonly layers.Layer[];
  readonly inputs: readonly SymbolicTensor[];
}

/** A tensor of a model, seen through the calls of the nested models that it lies in. */
interface Site {
  readonly tensor: SymbolicTensor;
  readonly frames: readonly Frame[];
}

/** The roles of the layers with kernels in the graph of a model, those of nested models included. */
export interface LayerRoles {
  /** An input of the model reaches the layer past no other layer with kernels. */
  readonly first: boolean;
  /** The layer reaches an output of the model past no other layer with kernels. */
  readonly last: boolean;
  /** The layer's first input is an input of the model, or one that only shuffles its elements. */
  readonly seesInput: boolean;
  /** The input of the layer cannot be negative: it comes from a ReLU or the like. */
  readonly nonNegativeInput: boolean;
  /** It is never far below zero: some of it comes from a GELU, SiLU or Mish, and the rest cannot be negative. */
  readonly nearlyNonNegativeInput: boolean;
  /** The layer is called with several inputs, and they are not the states of a recurrent layer. */
  readonly severalInputs: boolean;
}

/** Walks the edges of the graph, not the list of layers, so that branches, sharing and nesting come out right. */
export function layerRoles(
  model: LayersModel,
  hasKernels: (layer: layers.Layer) => boolean,
): Map<layers.Layer, LayerRoles> {
  const roles = new Map<layers.Layer, { -readonly [Role in keyof LayerRoles]: LayerRoles[Role] }>();
  const seen = new Set<string>();
  const walk = (site: Site, last: boolean): void => {
    const here = enter(site);
    const key = `${siteKey(here)} ${last}`;
    if (seen.has(key)) return;
    seen.add(key);
    const layer = here.tensor.sourceLayer;
    const inputs = inputsOf(here);
    if (inputs.length > 0 && hasKernels(layer)) {
      const none = { first: false, last: false, seesInput: false, severalInputs: false };
      const known = roles.get(layer) ?? { ...none, nonNegativeInput: true, nearlyNonNegativeInput: true };
      known.last ||= last;
      known.first ||= inputs.some((input) => reachesInput(input, hasKernels, new Map()));
      known.seesInput ||= reachesInput(inputs[0], (between) => !shuffles.has(between.getClassName()), new Map());
      known.nonNegativeInput &&= comesFrom(nonNegativeActivations, inputs[0], new Map());
      known.nearlyNonNegativeInput &&= comesFrom(nearlyNonNegativeActivations, inputs[0], new Map());
      known.severalInputs ||= inputs.length > 1 && !recurrent(layer);
      roles.set(layer, known);
      for (const input of inputs) walk(input, false);
    } else for (const input of inputs) walk(input, last);
  };
  for (const tensor of model.outputs) walk({ tensor, frames: [] }, true);
  return roles;
}

const siteKey = ({ tensor, frames }: Site): string =>
  [[tensor], ...frames.map(({ inputs }) => inputs)].map((tensors) => tensors.map(({ id }) => id).join()).join(';');

/** The site itself, or the one within the nested model that computes it. */
function enter({ tensor, frames }: Site): Site {
  const layer = tensor.sourceLayer;
  if (!isContainer(layer)) return { tensor, frames };
  const container = layer as unknown as LayersModel & { readonly inputLayers: layers.Layer[] };
  const frame = { inputLayers: container.inputLayers, inputs: nodeInputs(tensor) };
  return enter({ tensor: container.outputs[tensor.outputTensorIndex ?? 0], frames: [frame, ...frames] });
}

/** The sites that a site is computed from: none for an input of the model. */
function inputsOf({ tensor, frames }: Site): Site[] {
  const inputs = nodeInputs(tensor);
  if (inputs.length > 0) return inputs.map((input) => enter({ tensor: input, frames }));
  const [frame, ...outer] = frames;
  const index = frame?.inputLayers.indexOf(tensor.sourceLayer) ?? -1;
  return frame && index >= 0 ? [enter({ tensor: frame.inputs[index], frames: outer })] : [];
}

function nodeInputs(tensor: SymbolicTensor): SymbolicTensor[] {
  const nodes = tensor.sourceLayer.inboundNodes as unknown as { readonly inputTensors: SymbolicTensor[] }[];
  const { nodeIndex } = tensor as unknown as { readonly nodeIndex: number };
  const inputs = nodes[nodeIndex]?.inputTensors ?? [];
  // The node of an input layer names the layer's own tensor.
  return inputs.filter((input) => input !== tensor);
}

function reachesInput(site: Site, stops: (layer: layers.Layer) => boolean, known: Map<string, boolean>): boolean {
  const key = siteKey(site);
  const before = known.get(key);
  if (before !== undefined) return before;
  const inputs = inputsOf(site);
  const isInput = inputs.length === 0;
  const answer =
    isInput || (!stops(site.tensor.sourceLayer) && inputs.some((input) => reachesInput(input, stops, known)));
  known.set(key, answer);
  return answer;
}

/** Layers whose output has the elements of their input, in another place or fewer of them. */
const shuffles = new Set(
  ['InputLayer', 'Dropout', 'SpatialDropout1D', 'Flatten', 'Reshape', 'Permute', 'RepeatVector', 'Masking'].concat(
    ['ZeroPadding2D', 'Cropping2D', 'MaxPooling1D', 'MaxPooling2D', 'MaxPooling3D'],
    ['GlobalMaxPooling1D', 'GlobalMaxPooling2D', 'UpSampling2D'],
  ),
);

/** Layers whose output cannot be negative where no input is. */
const keepsSign = new Set(
  [...shuffles].concat(
    ['AveragePooling1D', 'AveragePooling2D', 'AveragePooling3D', 'GlobalAveragePooling1D', 'GlobalAveragePooling2D'],
    ['Add', 'Average', 'Maximum', 'Minimum', 'Multiply', 'Concatenate'],
  ),
);

const nonNegativeLayers = new Set(['ReLU', 'Softmax']);
/** Layers that end in their activation. One of another class may have an activation and compute on from there. */
const endsInActivation = /^(Dense|Activation|Conv[123]D|Conv[23]DTranspose|(Depthwise|Separable)Conv2D)$/;
const nonNegativeActivations = new Set(['relu', 'relu6', 'sigmoid', 'hardSigmoid', 'softplus', 'softmax']);

/** Their least values are -0.17 (GELU), -0.28 (SiLU, which tfjs calls swish) and -0.31 (Mish). */
const nearlyNonNegativeActivations = new Set([...nonNegativeActivations, 'gelu', 'gelu_new', 'swish', 'mish']);

/** Whether all that makes up a tensor comes out of one of these activations, or of a layer that is never negative. */
function comesFrom(activations: ReadonlySet<string>, site: Site, known: Map<string, boolean>): boolean {
  const key = siteKey(site);
  const before = known.get(key);
  if (before !== undefined) return before;
  const layer = site.tensor.sourceLayer as layers.Layer & {
    readonly activation?: { getClassName(): string } | null;
    readonly theta?: number;
  };
  const className = layer.getClassName();
  const inputs = inputsOf(site);
  const answer =
    nonNegativeLayers.has(className) ||
    (className === 'ThresholdedReLU' && layer.theta! >= 0) ||
    (endsInActivation.test(className) && activations.has(layer.activation?.getClassName() ?? 'linear')) ||
    (keepsSign.has(className) && inputs.length > 0 && inputs.every((input) => comesFrom(activations, input, known)));
  known.set(key, answer);
  return answer;
}

const recurrent = (layer: layers.Layer): boolean => 'cell' in layer || 'forwardLayer' in layer;

/** Whether a layer looks its input up in a table, alone or wrapped in another: indices are not to be quantized. */
export const takesIndices = (layer: layers.Layer): boolean =>
  heldLayers(layer).some((held) => held.getClassName() === 'Embedding');
