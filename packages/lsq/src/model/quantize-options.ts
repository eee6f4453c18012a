import { type LongWork, requireKnownOptions, shown } from '@qgen/core';
import type { KernelGroups } from '../layers/step-view';
import type { GradientScale } from '../quantizer/gradient-scale';
import { BITS, checkOptions } from '../quantizer/grid';
import type { StepScale } from '../quantizer/step-scale';
import type { StepInit } from '../quantizer/step-size';

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

/** Throws an error that begins with `name` unless every option is one, also within overrides and activations. */
export function checkQuantizeOptions(name: string, options: QuantizeOptions): void {
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

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
