import { leafLayers } from '@qgen/core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import type { GradientScale } from './gradient-scale';
import { layerRoles, takesIndices } from './graph';
import { kernelsOf } from './layers/kernels-of';
import type { LayerQuantization } from './layers/quantized-layer';
import { type ActivationSettings, checkSettings } from './layers/settings';
import type { StepInit } from './step-size';

/** What can be set for a layer by its name. */
export interface LayerOptions {
  /** Width of the codes; null leaves the kernels in float. */
  readonly bits?: number | null;
  readonly narrow?: boolean;
  /** One step per filter and not one per kernel. Default false, as in the paper. */
  readonly perChannel?: boolean;
  readonly init?: StepInit;
  readonly boundary?: 'strict' | 'inclusive';
  readonly gradientScale?: GradientScale;
  /** Multiplies the gradient of the steps; under SGD and momentum that is their own learning rate. Default 1. */
  readonly stepLearningRate?: number;
  /** Quantizes the layer's input too: a number of bits, or more to say. null, the default, does not. */
  readonly activations?: number | ActivationOptions | null;
}

export interface ActivationOptions {
  readonly bits: number;
  /** By default found in the graph: unsigned after a ReLU and the like, else signed. */
  readonly signed?: boolean;
  /** Learns an offset too (LSQ+), for activations that are neither of one sign nor symmetric. Default false. */
  readonly offset?: boolean;
  /** With `offset` the range of the data sets step and offset, and 'mse' or a number is an error. */
  readonly init?: StepInit;
  /** Quantizes the input of the model too where it goes into a layer. Default false. */
  readonly modelInput?: boolean;
}

/** What a function that chooses the bits of a layer is told. */
export interface LayerInfo {
  readonly name: string;
  /** The name after those of the models it is nested in: `encoder/conv1`. */
  readonly path: string;
  readonly className: string;
  /** Number among the layers with kernels, from 0. */
  readonly index: number;
  readonly first: boolean;
  readonly last: boolean;
  /** Number of kernel elements. */
  readonly size: number;
}

export interface QuantizeOptions extends Omit<LayerOptions, 'bits'> {
  /** For every layer, or by layer name or glob (`{ '*': 4, 'conv?': 8 }`, the last match counts), or by a function. */
  readonly bits: number | Readonly<Record<string, number | null>> | ((layer: LayerInfo) => number | null);
  /** By layer name, path or glob: what differs there. The last match counts; it wins over `firstLast`. */
  readonly overrides?: Readonly<Record<string, number | null | LayerOptions>>;
  /**
   * The first and the last layers with kernels: 'same' as all others, 'skip' to leave them in float, or their own bits.
   * Weights and activations alike. Where `bits` is a number the default is 8 as in the LSQ paper, or what the others get
   * where that is more; a map or a function speaks for every layer unless this is given.
   */
  readonly firstLast?: 'same' | 'skip' | number;
}

/** Bits of the first and the last layer in Esser et al. 2020, section 3. */
const PAPER_FIRST_LAST = 8;

export interface PlannedLayer {
  readonly layer: layers.Layer;
  readonly path: string;
  readonly quantization: LayerQuantization;
  readonly init: StepInit;
}

/** Of a layer that no path from the inputs to the outputs meets. */
const noRole = { first: false, last: false, seesInput: false, nonNegativeInput: false, severalInputs: false } as const;

/** Which layers of a model are quantized and how; the layers in the order of the model. */
export function quantizationPlan(name: string, model: LayersModel, options: QuantizeOptions): PlannedLayer[] {
  const { bits, overrides = {}, firstLast } = options;
  if (firstLast !== undefined && firstLast !== 'same' && firstLast !== 'skip' && typeof firstLast !== 'number')
    throw new RangeError(`${name}: firstLast must be 'same', 'skip' or a number of bits, got ${firstLast}`);
  const candidates = leafLayers(model)
    .map((leaf) => ({ ...leaf, kernels: kernelsOf(leaf.layer) }))
    .filter(({ kernels }) => kernels.length > 0);
  const withKernels = new Set(candidates.map(({ layer }) => layer));
  const roles = layerRoles(model, (layer) => withKernels.has(layer));
  const names = candidates.map(({ path }) => path);
  for (const map of [overrides, typeof bits === 'object' && bits !== null ? bits : {}])
    for (const glob of Object.keys(map))
      if (!candidates.some(({ layer, path }) => matches(glob, layer.name, path)))
        throw new RangeError(
          `${name}: no layer with kernels is called ${glob}; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ') || 'none'}`,
        );
  return candidates.flatMap(({ layer, path, kernels }, index): PlannedLayer[] => {
    const role = roles.get(layer) ?? noRole;
    const edge =
      (typeof bits === 'number' || firstLast !== undefined) && firstLast !== 'same' && (role.first || role.last);
    const size = kernels.reduce((sum, { variable }) => sum + variable.shape.reduce((a, b) => a! * b!, 1)!, 0);
    const info = {
      name: layer.name,
      path,
      className: layer.getClassName(),
      index,
      first: role.first,
      last: role.last,
      size,
    };
    const chosen = lastMatch(overrides, layer.name, path);
    const override: LayerOptions = chosen === null || typeof chosen === 'number' ? { bits: chosen } : (chosen ?? {});
    const general = generalBits(bits, info);
    const atEdge = (width: number) =>
      !edge ? width : firstLast === 'skip' ? null : (firstLast ?? Math.max(PAPER_FIRST_LAST, width));
    const width = override.bits !== undefined ? override.bits : general === null ? null : atEdge(general);
    const settings = { ...options, ...override };
    const weights = width === null ? null : weightSettings(settings, width);
    if (weights) checkSettings(`${name}, layer ${path}`, weights);
    const wanted = override.activations !== undefined ? override.activations : options.activations;
    const ofInput =
      width === null && override.activations === undefined ? null : activationSettings(wanted, settings, role);
    const activationBits = ofInput && (override.activations !== undefined ? ofInput.bits : atEdge(ofInput.bits));
    const activations = ofInput && activationBits && !takesIndices(layer) ? { ...ofInput, bits: activationBits } : null;
    if (activations && role.severalInputs)
      throw new RangeError(
        `${name}: layer ${path} has several inputs, of which activations can quantize none; put FakeQuant layers before it and pass overrides: { '${path}': { activations: null } }`,
      );
    if (activations) checkSettings(`${name}, input of layer ${path}`, activations);
    if (!weights && !activations) return [];
    const quantization = { weights, activations: activations && { ...activations, initialized: false } };
    return [
      {
        layer,
        path,
        quantization: { ...quantization, stepsFrozen: false, kernelsFrozen: false },
        init: settings.init ?? 'lsq',
      },
    ];
  });
}

function generalBits(bits: QuantizeOptions['bits'], info: LayerInfo): number | null {
  if (typeof bits === 'function') return bits(info);
  if (typeof bits === 'object' && bits !== null) return lastMatch(bits, info.name, info.path) ?? null;
  return bits;
}

function weightSettings(options: Omit<LayerOptions, 'bits'>, bits: number) {
  const {
    narrow = false,
    perChannel = false,
    boundary = 'strict',
    gradientScale = 'lsq',
    stepLearningRate = 1,
  } = options;
  return { bits, narrow, perChannel, boundary, gradientScale, stepLearningRate };
}

function activationSettings(
  wanted: number | ActivationOptions | null | undefined,
  options: Omit<LayerOptions, 'bits'>,
  role: { readonly seesInput: boolean; readonly nonNegativeInput: boolean },
): ActivationSettings | null {
  if (wanted === null || wanted === undefined) return null;
  const {
    bits,
    signed,
    offset = false,
    init = 'lsq',
    modelInput = false,
  } = typeof wanted === 'number' ? { bits: wanted } : (wanted as ActivationOptions);
  if (role.seesInput && !modelInput) return null;
  const { boundary = 'strict', gradientScale = 'lsq', stepLearningRate = 1 } = options;
  const unsigned = offset || role.nonNegativeInput;
  return { bits, signed: signed ?? !unsigned, offset, init, boundary, gradientScale, stepLearningRate };
}

function lastMatch<T>(map: Readonly<Record<string, T>>, name: string, path: string): T | undefined {
  const found = Object.entries(map).filter(([glob]) => matches(glob, name, path));
  return found.at(-1)?.[1];
}

/** A glob matches a whole name or path: `*` any run of characters, `?` one. */
function matches(glob: string, name: string, path: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  const whole = new RegExp(`^${pattern}$`);
  return whole.test(name) || whole.test(path);
}
