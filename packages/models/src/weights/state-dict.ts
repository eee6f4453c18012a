import type { LayersModel, LayerVariable, layers } from '@tensorflow/tfjs-layers';

/** A weight of a layer as a part of a tensor of a PyTorch state dict. */
export interface Part {
  readonly weight: LayerVariable;
  /** The first element of the part in PyTorch's tensor, row by row. */
  readonly offset: number;
  /** How the part is viewed there, and the transposition that makes tfjs's layout of it. */
  readonly view: readonly number[];
  readonly axes: readonly number[];
}

/** A tensor of a PyTorch state dict: its shape there, and the weights that it holds. */
export interface StateEntry {
  readonly shape: readonly number[];
  readonly parts: readonly Part[];
}

/** PyTorch's name of a weight after the path of its module, and which of its axes each axis of tfjs is. */
interface Layout {
  readonly name: string;
  readonly axes?: readonly number[];
  /** The shape in PyTorch, from that of the view; the same unless given. */
  readonly shape?: (view: readonly number[]) => readonly number[];
}

const bias: Layout = { name: '.bias' };
const affine = { gamma: { name: '.weight' }, beta: bias };

/** By the class of the layer and the name of the weight. */
const LAYOUTS: Readonly<Record<string, Readonly<Record<string, Layout>>>> = {
  Conv2D: { kernel: { name: '.weight', axes: [2, 3, 1, 0] }, bias },
  DepthwiseConv2D: {
    depthwise_kernel: {
      name: '.weight',
      axes: [2, 3, 0, 1],
      shape: ([channels, multiplier, height, width]) => [channels * multiplier, 1, height, width],
    },
    bias,
  },
  Dense: { kernel: { name: '.weight', axes: [1, 0] }, bias },
  BatchNormalization: {
    ...affine,
    moving_mean: { name: '.running_mean' },
    moving_variance: { name: '.running_var' },
  },
  LayerNormalization: affine,
  ClassToken: { token: { name: '', shape: (view) => [1, 1, ...view] } },
  PositionEmbedding: { bias: { name: '', shape: (view) => [1, ...view] } },
  AttentionWeights: { relative_position_bias: { name: '.relative_position_bias_table' } },
};

/** The projections that PyTorch keeps in one module, one below the other in this order. */
const FUSED = /^(.+\.attn)\.([qkv])$/;

/**
 * The state dict that a model has in PyTorch, by the name of each tensor, in the order of the layers. The name of a layer
 * is the path of PyTorch's module; `PATH.attn.q`, `.k` and `.v` are the rows of `PATH.attn.qkv`.
 *
 * @param caller the function that was called, for the message
 * @throws TypeError if `model` has no layers, RangeError if a layer has a weight that PyTorch has no place for
 */
export function stateDict(caller: string, model: LayersModel): ReadonlyMap<string, StateEntry> {
  if (!Array.isArray(model?.layers)) throw new TypeError(`${caller}: model must be a LayersModel, got ${typeof model}`);
  const found = new Map<string, StateEntry>();
  for (const layer of model.layers)
    for (const weight of layer.weights) add(found, weight, place(caller, layer, weight));
  return found;
}

/** Where a weight stands: its tensor, the third of it if three share it, and the layout. */
interface Place {
  readonly path: string;
  readonly third: number | null;
  readonly layout: Layout;
}

function place(caller: string, layer: layers.Layer, weight: LayerVariable): Place {
  const name = weight.originalName.slice(weight.originalName.lastIndexOf('/') + 1);
  const className = layer.getClassName();
  const known = Object.hasOwn(LAYOUTS, className) ? LAYOUTS[className] : {};
  if (!Object.hasOwn(known, name))
    throw new RangeError(
      `${caller}: weight ${name} of layer ${layer.name} (${className}) has no place in a PyTorch state dict; of a quantized model take dequantizeModel first`,
    );
  const fused = className === 'Dense' ? FUSED.exec(layer.name) : null;
  return fused
    ? { path: `${fused[1]}.qkv`, third: 'qkv'.indexOf(fused[2]), layout: known[name] }
    : { path: layer.name, third: null, layout: known[name] };
}

function add(found: Map<string, StateEntry>, weight: LayerVariable, { path, third, layout }: Place): void {
  const shape = weight.shape as number[];
  const { name, axes = shape.map((_, axis) => axis) } = layout;
  const view: number[] = [];
  for (const [axis, of] of axes.entries()) view[of] = shape[axis];
  const whole = layout.shape?.(view) ?? view;
  const key = path + name;
  if (third === null) {
    found.set(key, { shape: whole, parts: [{ weight, offset: 0, view, axes }] });
    return;
  }
  const part = { weight, offset: third * shape.reduce((product, size) => product * size, 1), view, axes };
  const parts = [...(found.get(key)?.parts ?? []), part];
  found.set(key, { shape: [3 * whole[0], ...whole.slice(1)], parts });
}
