import { type LongWork, leafLayers, requireKnownOptions, shown } from '@qgen/core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { kernelsOf } from '../layers/kernels-of';
import type { LayerQuantization } from '../layers/quantized-layer';
import {
  type ActivationSettings,
  checkActivationSettings,
  checkWeightSettings,
  type TrainingSettings,
  type WeightSettings,
} from '../layers/settings';
import { checkGroups, type KernelGroups } from '../layers/step-view';
import type { GradientScale } from '../quantizer/gradient-scale';
import { BITS, checkBooleans, checkOptions } from '../quantizer/grid';
import { DEFAULT_STEP_SCALE, type StepScale } from '../quantizer/step-scale';
import { checkInit, defaultInit, type StepInit } from '../quantizer/step-size';
import { type LayerRoles, layerRoles, takesIndices } from './graph';

/** How steps are trained. */
export interface TrainingOptions {
  /** Whether an element exactly on a clipping edge is clipped ('strict', as in the LSQ paper; default) or not ('inclusive'). */
  readonly boundary?: 'strict' | 'inclusive';
  /** The factor of the gradient of a step. Default 'lsq'. */
  readonly gradientScale?: GradientScale;
  /** In what units a step is trained: see `StepScale`. Default 'relative'; the LSQ paper has 'absolute'. */
  readonly stepScale?: StepScale;
  /**
   * The factor of each change of a step: its own learning rate as a multiple of that of the weights. Under
   * 'absolute' it multiplies the gradient, which works under SGD and momentum and not under Adam and the like. Default 1.
   */
  readonly stepLearningRateMultiplier?: number;
}

/** The settings of one layer, chosen by its name. */
export interface LayerOptions extends TrainingOptions {
  /** Width of the codes; null leaves the kernels in float. */
  readonly bits?: number | null;
  /** Gives up the lowest code, so that the grid is symmetric: ternary at 2 bits. Default false. */
  readonly narrow?: boolean;
  /** One step per filter and not one per kernel. Default false, as in the LSQ paper. */
  readonly perChannel?: boolean;
  /**
   * One step for each of several groups of neighbours along an axis of a kernel, as the heads of an attention, or a
   * function that says so for a layer. Default null. `perChannel` and this exclude each other.
   */
  readonly groups?: KernelGroups | ((layer: LayerInfo) => KernelGroups | null) | null;
  /** How the steps of kernels start, see `initialStep`. Default 'lsq' as in the LSQ paper below 6 bits, 'mse' from there on. */
  readonly init?: StepInit;
  /** Quantizes the layer's input too: a number of bits, or more to say. null, the default, does not. */
  readonly activations?: number | ActivationOptions | null;
}

/** How the input of a layer is quantized. `TrainingOptions` that are not given here are those of the layer's kernels. */
export interface ActivationOptions extends TrainingOptions {
  readonly bits: number;
  /** By default found in the graph: unsigned after a ReLU and the like and with an offset, else signed. */
  readonly signed?: boolean;
  /**
   * Learns an offset too (LSQ+), for activations that are neither of one sign nor symmetric. By default found in the graph
   * unless `signed` or a step is given: true after a GELU, SiLU or Mish.
   */
  readonly offset?: boolean;
  /**
   * How step and offset start from the first training batch, or in `calibrate`. Default 'mse' from 6 bits up and with an
   * offset, else 'lsq'. With an offset 'lsq' and 'lsq+' both start from the range of the data, and a number is an error.
   */
  readonly init?: StepInit;
  /** Quantizes the input of the model too where it goes into a layer. Default false. */
  readonly modelInput?: boolean;
}

/** The options of one layer. Its activation options are merged with those that hold without it, so they need no bits. */
export type LayerOverride = Omit<LayerOptions, 'activations'> & {
  readonly activations?: number | Partial<ActivationOptions> | null;
};

const TRAINING = ['boundary', 'gradientScale', 'stepScale', 'stepLearningRateMultiplier'];
const LAYER = ['bits', 'narrow', 'perChannel', 'groups', 'init', 'activations', ...TRAINING];
const ACTIVATION = ['bits', 'signed', 'offset', 'init', 'modelInput', ...TRAINING];
const MODEL = [...LAYER, 'overrides', 'firstLast', 'signal', 'onProgress'];

/** The argument of a function that chooses the bits of a layer. */
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

/** How far `quantizeModel` is: kernels whose step is set, of all that are quantized. */
export interface QuantizeProgress {
  readonly done: number;
  readonly total: number;
}

export interface QuantizeOptions extends Omit<LayerOptions, 'bits'>, LongWork<QuantizeProgress> {
  /** For every layer, or by layer name or glob (`{ '*': 4, 'conv?': 8 }`, the last match counts), or by a function. */
  readonly bits: number | Readonly<Record<string, number | null>> | ((layer: LayerInfo) => number | null);
  /**
   * By layer name, path or glob: what differs there, a number or null standing for bits. All that match are laid over each
   * other in their order, so that the last one to set an option counts; they win over `firstLast`.
   */
  readonly overrides?: Readonly<Record<string, number | null | LayerOverride>>;
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
const noRole: LayerRoles = {
  first: false,
  last: false,
  seesInput: false,
  nonNegativeInput: false,
  nearlyNonNegativeInput: false,
  severalInputs: false,
};

/** Which layers of a model are quantized and how; the layers in the order of the model. */
export function quantizationPlan(name: string, model: LayersModel, options: QuantizeOptions): PlannedLayer[] {
  checkPlanOptions(name, options);
  const candidates = leafLayers(model)
    .map((leaf) => ({ ...leaf, kernels: kernelsOf(leaf.layer) }))
    .filter(({ kernels }) => kernels.length > 0);
  checkGlobs(name, candidates, options);
  const withKernels = new Set(candidates.map(({ layer }) => layer));
  const roles = layerRoles(model, (layer) => withKernels.has(layer));
  return candidates.flatMap((candidate, index) => {
    const role = roles.get(candidate.layer) ?? noRole;
    return planOf(name, { ...candidate, role, info: infoOf(candidate, index, role) }, options) ?? [];
  });
}

/** A layer with kernels. */
interface Candidate {
  readonly layer: layers.Layer;
  readonly path: string;
  readonly kernels: ReturnType<typeof kernelsOf>;
}

/** Throws a RangeError where a glob of `overrides` or of a map of bits matches no layer. */
function checkGlobs(name: string, candidates: readonly Candidate[], { bits, overrides = {} }: QuantizeOptions): void {
  const names = candidates.map(({ path }) => path);
  for (const glob of [...Object.keys(overrides), ...(isRecord(bits) ? Object.keys(bits) : [])])
    if (!candidates.some(({ layer, path }) => matches(glob, layer.name, path)))
      throw new RangeError(
        `${name}: no layer with kernels is called ${glob}; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ') || 'none'}`,
      );
}

function infoOf({ layer, path, kernels }: Candidate, index: number, { first, last }: LayerRoles): LayerInfo {
  const size = kernels.reduce((sum, { variable }) => sum + variable.shape.reduce((a, b) => a! * b!, 1)!, 0);
  return { name: layer.name, path, className: layer.getClassName(), index, first, last, size };
}

/** How one layer is quantized: its weights, its input, both, or null for neither. */
function planOf(
  name: string,
  { layer, path, kernels, role, info }: Candidate & { readonly role: LayerRoles; readonly info: LayerInfo },
  options: QuantizeOptions,
): PlannedLayer | null {
  const override = merged(allMatches(options.overrides ?? {}, layer.name, path));
  const general = generalBits(options.bits, info);
  const width = override.bits !== undefined ? override.bits : general === null ? null : atEdge(general, info, options);
  const settings = { ...options, ...override };
  const where = `${name}, layer ${path}`;
  const weights = width === null ? null : plannedWeights(where, kernels, info, settings, width);
  const activations =
    (width === null && override.activations === undefined) || takesIndices(layer)
      ? null
      : plannedActivations(`${name}, input of layer ${path}`, { override, options, settings, role, info });
  if (activations && role.severalInputs)
    throw new RangeError(
      `${name}: layer ${path} has several inputs, of which activations can quantize none; put FakeQuant layers before it and pass overrides: { '${path}': { activations: null } }`,
    );
  if (!weights && !activations) return null;
  const init = settings.init ?? defaultInit(weights?.bits ?? 0);
  checkInit(where, init);
  return { layer, path, quantization: { weights, activations, stepsFrozen: false, kernelsFrozen: false }, init };
}

/** The bits of a layer whose own are `width`, which is other than that at the edges of the model; null for none. */
function atEdge(width: number, { first, last }: LayerInfo, { bits, firstLast }: QuantizeOptions): number | null {
  const speaksForEdges = typeof bits === 'number' || firstLast !== undefined;
  if (!speaksForEdges || firstLast === 'same' || !(first || last)) return width;
  return firstLast === 'skip' ? null : (firstLast ?? Math.max(PAPER_FIRST_LAST, width));
}

function plannedWeights(
  where: string,
  kernels: Candidate['kernels'],
  info: LayerInfo,
  settings: Omit<LayerOptions, 'bits' | 'activations'>,
  bits: number,
): WeightSettings {
  const groups = groupsOf(where, settings.groups, info);
  const weights = weightSettings({ ...settings, groups }, bits);
  checkWeightSettings(where, weights);
  if (groups) for (const { variable } of kernels) checkGroups(where, groups, variable.shape as number[]);
  return weights;
}

function plannedActivations(
  where: string,
  {
    override,
    options,
    settings,
    role,
    info,
  }: {
    readonly override: LayerOverride;
    readonly options: QuantizeOptions;
    readonly settings: TrainingOptions;
    readonly role: LayerRoles;
    readonly info: LayerInfo;
  },
): ActivationSettings | null {
  const wanted =
    override.activations === undefined ? options.activations : laidOver(options.activations, override.activations);
  const found = activationSettings(where, wanted, settings, role);
  if (found === null) return null;
  const bits = bitsOf(override.activations) !== undefined ? found.bits : atEdge(found.bits, info, options);
  if (bits === null) return null;
  const activations = { ...found, bits, init: found.init ?? defaultInit(bits, found.offset) };
  checkActivationSettings(where, activations);
  return activations;
}

/** Throws an error that begins with `name` unless every option is one, also within overrides and activations. */
function checkPlanOptions(name: string, options: QuantizeOptions): void {
  checkOptions(name, options, MODEL);
  const { bits, overrides, firstLast } = options;
  if (typeof bits !== 'number' && typeof bits !== 'function' && !isRecord(bits))
    throw new RangeError(
      `${name}: bits must be an integer from ${BITS.lowest} to ${BITS.highest}, a map { layer: bits } or a function, got ${shown(bits)}`,
    );
  if (firstLast !== undefined && firstLast !== 'same' && firstLast !== 'skip' && typeof firstLast !== 'number')
    throw new RangeError(`${name}: firstLast must be 'same', 'skip' or a number of bits, got ${firstLast}`);
  checkActivations(name, options.activations);
  if (overrides === undefined) return;
  if (!isRecord(overrides))
    throw new TypeError(`${name}: overrides must be a map { layer: options }, got ${shown(overrides)}`);
  for (const [layer, override] of Object.entries(overrides)) {
    if (override === null || typeof override === 'number') continue;
    const where = `${name}, overrides of ${layer}`;
    if (!isRecord(override))
      throw new TypeError(`${where}: an override is a number of bits, null or an object, got ${shown(override)}`);
    requireKnownOptions(where, override, LAYER);
    checkActivations(where, override.activations);
  }
}

function checkActivations(name: string, activations: LayerOverride['activations']): void {
  if (activations === undefined || activations === null || typeof activations === 'number') return;
  if (!isRecord(activations))
    throw new TypeError(`${name}: activations must be a number of bits, an object or null, got ${shown(activations)}`);
  requireKnownOptions(`${name}, activations`, activations, ACTIVATION);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Overrides of one layer, laid over each other in their order. */
function merged(overrides: readonly (number | null | LayerOverride)[]): LayerOverride {
  let below: LayerOverride = {};
  for (const override of overrides) {
    const above = typeof override === 'number' || override === null ? { bits: override } : given(override);
    const { activations } = above;
    const both = activations === undefined ? {} : { activations: laidOver(below.activations, activations) };
    below = { ...below, ...above, ...both };
  }
  return below;
}

function laidOver(
  below: LayerOverride['activations'],
  above: LayerOverride['activations'],
): LayerOverride['activations'] {
  if (!isRecord(above)) return typeof above === 'number' && isRecord(below) ? { ...below, bits: above } : above;
  return { ...(typeof below === 'number' ? { bits: below } : below), ...given(above) };
}

/** The options that are given: undefined counts as not given. */
function given<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}

function bitsOf(activations: LayerOverride['activations']): number | undefined {
  return typeof activations === 'number' ? activations : activations?.bits;
}

function generalBits(bits: QuantizeOptions['bits'], info: LayerInfo): number | null {
  if (typeof bits === 'function') return bits(info);
  if (typeof bits === 'object' && bits !== null) return allMatches(bits, info.name, info.path).at(-1) ?? null;
  return bits;
}

function groupsOf(name: string, groups: LayerOptions['groups'], info: LayerInfo): KernelGroups | null {
  const chosen = typeof groups === 'function' ? groups(info) : groups;
  if (chosen === null || chosen === undefined) return null;
  if (!isRecord(chosen))
    throw new TypeError(`${name}: groups must be { count, axis }, a function or null, got ${shown(chosen)}`);
  requireKnownOptions(`${name}, groups`, chosen, ['count', 'axis']);
  return { count: chosen.count, axis: chosen.axis };
}

type WeightOptions = Omit<LayerOptions, 'bits' | 'activations' | 'groups'> & { readonly groups: KernelGroups | null };

function weightSettings(options: WeightOptions, bits: number): WeightSettings {
  const { narrow = false, perChannel = false, groups } = options;
  const training = trainingSettings(options);
  const { gradientScale } = training;
  // A kernel has no batch that 'features' could leave out.
  return {
    bits,
    narrow,
    perChannel,
    ...(groups && { groups }),
    ...training,
    gradientScale: gradientScale === 'features' ? 'lsq' : gradientScale,
  };
}

function trainingSettings(options: TrainingOptions, others: TrainingOptions = {}): TrainingSettings {
  const { boundary = 'strict', gradientScale = 'lsq' } = { ...others, ...given(options) };
  const { stepScale = DEFAULT_STEP_SCALE, stepLearningRateMultiplier = 1 } = { ...others, ...given(options) };
  return { boundary, gradientScale, stepScale, stepLearningRateMultiplier };
}

/** How the input of a layer is quantized; the start, where it is not given, depends on bits still to be found. */
function activationSettings(
  name: string,
  wanted: LayerOverride['activations'],
  options: TrainingOptions,
  role: LayerRoles,
): (Omit<ActivationSettings, 'init'> & { readonly init?: StepInit }) | null {
  if (wanted === null || wanted === undefined) return null;
  const chosen = typeof wanted === 'number' ? { bits: wanted } : wanted;
  const { bits, signed, init, modelInput = false }: Partial<ActivationOptions> = chosen;
  const skewed = role.nearlyNonNegativeInput && !role.nonNegativeInput;
  const { offset = skewed && signed === undefined && typeof init !== 'number' } = chosen;
  checkBooleans(name, { offset, modelInput, signed: signed ?? true });
  if (role.seesInput && !modelInput) return null;
  if (bits === undefined) throw new RangeError(`${name}: activations need bits, as { bits: 4 }`);
  const unsigned = offset || role.nonNegativeInput;
  return { bits, signed: signed ?? !unsigned, offset, init, ...trainingSettings(chosen, options) };
}

function allMatches<T>(map: Readonly<Record<string, T>>, name: string, path: string): T[] {
  return Object.entries(map).flatMap(([glob, value]) => (matches(glob, name, path) ? [value] : []));
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
