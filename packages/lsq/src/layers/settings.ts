import { requireBooleans, requireOneOf, shown } from '@qgen/core';
import { checkBoundary } from '../quantizer/fake-quant';
import { checkGradientScale, type GradientScale } from '../quantizer/gradient-scale';
import { checkGrid } from '../quantizer/grid';
import { STEP_SCALES, type StepScale } from '../quantizer/step-scale';
import { checkInit, type StepInit } from '../quantizer/step-size';
import type { KernelGroups } from './step-view';

/** How the steps of a quantizer are trained. */
export interface TrainingSettings {
  readonly boundary: 'strict' | 'inclusive';
  readonly gradientScale: GradientScale;
  readonly stepScale: StepScale;
  /** The factor of each change of a step. */
  readonly stepLearningRateMultiplier: number;
}

/** How the kernels of a layer are quantized. Codes of weights are always signed. */
export interface WeightSettings extends TrainingSettings {
  readonly bits: number;
  /** Gives up the lowest code, so that the grid is symmetric. */
  readonly narrow: boolean;
  /** One step per filter (output channel; per input channel of a depthwise kernel) and not one per kernel. */
  readonly perChannel: boolean;
  /** One step per group of neighbours along an axis. Left out by models that were saved before there were groups. */
  readonly groups?: KernelGroups | null;
}

/** How the input of a layer is quantized. */
export interface ActivationSettings extends TrainingSettings {
  readonly bits: number;
  readonly signed: boolean;
  /** Learns an offset too (LSQ+). */
  readonly offset: boolean;
  readonly init: StepInit;
  /** The axis whose slices have a step each; null or left out for one step. May be negative, to count from the back. */
  readonly axis?: number | null;
}

/** Throws an error that begins with `name` unless the settings of kernels are usable. */
export function checkWeightSettings(name: string, settings: WeightSettings): void {
  checkGrid(name, settings);
  const { perChannel, groups } = settings;
  requireBooleans(name, { perChannel });
  if (perChannel && groups)
    throw new RangeError(`${name}: perChannel and groups are two ways to share steps; leave one out`);
  checkTraining(name, settings);
}

/** Throws an error that begins with `name` unless the settings of activations are usable. */
export function checkActivationSettings(name: string, settings: ActivationSettings): void {
  const { init, offset, axis = null } = settings;
  checkGrid(name, settings);
  requireBooleans(name, { offset });
  checkInit(name, init);
  if (offset && typeof init === 'number')
    throw new RangeError(`${name}: init can't be ${init} with an offset; 'lsq+' and 'mse' start both from the data`);
  if (axis !== null && !Number.isInteger(axis))
    throw new RangeError(`${name}: axis must be null or an integer, got ${shown(axis)}`);
  if (axis !== null && offset)
    throw new RangeError(`${name}: offset can't be learned with an axis; leave one of them out`);
  checkTraining(name, settings);
}

function checkTraining(name: string, settings: TrainingSettings): void {
  const { boundary, gradientScale, stepScale, stepLearningRateMultiplier } = settings;
  checkBoundary(name, boundary);
  checkGradientScale(name, gradientScale, stepLearningRateMultiplier);
  requireOneOf(name, 'stepScale', stepScale, STEP_SCALES);
}

/** Settings as a model was saved with. Version 0.1 knew absolute steps only and called the multiplier a rate. */
export function restored<Settings extends TrainingSettings>(saved: Settings): Settings {
  const { stepLearningRate, initialized, ...settings } = saved as Settings & {
    readonly stepLearningRate?: number;
    readonly initialized?: boolean;
  };
  if (stepLearningRate === undefined) return saved;
  if (initialized === false)
    throw new RangeError(
      'QuantizedLayer: the model was saved by @qgen/lsq 0.1 before its activations had seen data; quantize the float model again',
    );
  return { ...settings, stepScale: 'absolute', stepLearningRateMultiplier: stepLearningRate } as unknown as Settings;
}
