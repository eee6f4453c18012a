import { checkGradientScale, type GradientScale } from '../gradient-scale';
import { checkGrid } from '../grid';
import { checkInit, type StepInit } from '../step-size';

/** How the kernels of a layer are quantized. Codes of weights are always signed. */
export interface WeightSettings {
  readonly bits: number;
  /** Gives up the lowest code, so that the grid is symmetric. */
  readonly narrow: boolean;
  /** One step per filter (output channel; per input channel of a depthwise kernel) and not one per kernel. */
  readonly perChannel: boolean;
  readonly boundary: 'strict' | 'inclusive';
  readonly gradientScale: GradientScale;
  /** Multiplies the gradient of the step, which under SGD and momentum is the same as its learning rate. */
  readonly stepLearningRate: number;
}

/** How the input of a layer is quantized. */
export interface ActivationSettings {
  readonly bits: number;
  readonly signed: boolean;
  /** Learns an offset too (LSQ+). */
  readonly offset: boolean;
  readonly init: StepInit;
  readonly boundary: 'strict' | 'inclusive';
  readonly gradientScale: GradientScale;
  readonly stepLearningRate: number;
}

/** Throws a RangeError that begins with `name` unless the settings are usable. */
export function checkSettings(
  name: string,
  settings: {
    readonly bits: number;
    readonly signed?: boolean;
    readonly narrow?: boolean;
    readonly init?: StepInit;
    readonly offset?: boolean;
    readonly boundary: string;
    readonly gradientScale: GradientScale;
    readonly stepLearningRate: number;
  },
): void {
  checkGrid(name, settings);
  checkGradientScale(name, settings.gradientScale, settings.stepLearningRate);
  const { init = 'lsq', offset = false } = settings;
  checkInit(name, init);
  if (offset && (init === 'mse' || typeof init === 'number'))
    throw new RangeError(
      `${name}: init can't be ${init} with an offset, which starts with its step from the data's range`,
    );
  if (settings.boundary !== 'strict' && settings.boundary !== 'inclusive')
    throw new RangeError(`${name}: boundary must be 'strict' or 'inclusive', got '${settings.boundary}'`);
}
