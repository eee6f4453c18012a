import { leafLayers, requireBooleans, requireKnownOptions, shown } from '@qgen/core';
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
import { DEFAULT_STEP_SCALE } from '../quantizer/step-scale';
import { checkInit, defaultInit, type StepInit } from '../quantizer/step-size';
import { type LayerRoles, layerRoles, takesIndices } from './graph';
import {
  type ActivationOptions,
  checkQuantizeOptions,
  isRecord,
  type LayerInfo,
  type LayerOptions,
  type LayerOverride,
  type QuantizeOptions,
  type TrainingOptions,
} from './quantize-options';

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
  checkQuantizeOptions(name, options);
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
  requireBooleans(name, { offset, modelInput, signed: signed ?? true });
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
