import * as tf from '@tensorflow/tfjs-core';
import { resolveAxis, stepShape } from './fake-quant';
import { checkGrid, type GridOptions, quantizationRange } from './grid';

/** How the step of a tensor is first chosen; a number is taken as it is. */
export type StepInit = 'lsq' | 'lsq+' | 'mse' | number;

export interface InitialStepOptions extends GridOptions {
  /** The axis whose slices get a step each; null, the default, gives the whole tensor one. */
  readonly axis?: number | null;
  readonly init?: StepInit;
}

/** An initial step is clamped to this range: a zero tensor has no scale, an infinite one no finite scale. */
export const STEP_RANGE = { smallest: 1e-8, largest: 1e30 } as const;

const MSE = { relativeChange: 1e-5, rounds: 100 } as const;

/**
 * The step size to start from, in the shape `fakeQuant` wants, clamped to 1e-8 .. 1e30.
 *
 *     'lsq'   2 mean|x| / sqrt(qp)                                     Esser et al. 2020, section 2.1; the default
 *     'lsq+'  max(|μ - 3σ|, |μ + 3σ|) / (qp + 1), σ over the population  Bhalgat et al. 2020, equation 9
 *     'mse'   the fixed point of s <- <x, q> / <q, q>, from max|x| / qp until s changes by less than 1e-5 of itself
 *             (at most 100 rounds): a local minimum of |x̂ - x|²        Huang et al. 2024
 *
 * Where every |x| is one number, at 2 bits, 'lsq' gives that number: half of the formula's, with which all would round to
 * 0. 'lsq' is poor at 8 bits: on a Gaussian it reaches 66 of 256 codes (27.8 dB of signal to noise; 'mse' 40.6 dB). A zero
 * or empty tensor gives 1e-8, one with an infinity the largest step, one with a NaN a NaN.
 *
 * @throws RangeError if bits, axis or init don't fit, or `init` is a number that is not positive and finite
 * @throws TypeError if `x` is not float32
 */
export function initialStep(x: tf.Tensor, options: InitialStepOptions): tf.Tensor {
  const { axis = null, init = 'lsq' } = options;
  checkGrid('initialStep', options);
  checkInit('initialStep', init);
  if (x.dtype !== 'float32') throw new TypeError(`initialStep: x must be float32, got ${x.dtype}; cast it`);
  const resolved = resolveAxis('initialStep', axis, x.rank);
  const shape = stepShape(x.shape, resolved);
  if (typeof init === 'number') return tf.fill(shape, init);
  const { qn, qp } = quantizationRange(options);
  return tf.tidy(() => {
    if (x.size === 0) return tf.fill(shape, STEP_RANGE.smallest);
    const others = x.shape.map((_, dimension) => dimension).filter((dimension) => dimension !== resolved);
    const step =
      init === 'lsq'
        ? lsqStep(x, others, qp)
        : init === 'lsq+'
          ? threeSigmaStep(x, others, qp + 1)
          : fixedPointStep(x, others, shape, qn, qp);
    return clampStep(tf.reshape(step, shape));
  });
}

/**
 * The step and offset that LSQ+ starts an activation from (Bhalgat et al. 2020, section 3.2):
 * s = (max - min) / (qp - qn), β = min - qn s.
 */
export function initialStepAndOffset(x: tf.Tensor, options: GridOptions): { step: tf.Tensor; offset: tf.Tensor } {
  const { qn, qp } = quantizationRange(options);
  return tf.tidy(() => {
    const low = tf.min(x);
    const step = clampStep(tf.div(tf.sub(tf.max(x), low), qp - qn));
    return { step, offset: tf.sub(low, tf.mul(step, qn)) };
  });
}

/** Throws a RangeError that begins with `name` unless `init` is a way to start or a usable step. */
export function checkInit(name: string, init: StepInit): void {
  if (typeof init === 'number' ? !(init > 0 && init < Infinity) : !['lsq', 'lsq+', 'mse'].includes(init))
    throw new RangeError(`${name}: init must be 'lsq', 'lsq+', 'mse' or a positive number, got ${init}`);
}

function clampStep(step: tf.Tensor): tf.Tensor {
  const clamped = tf.clipByValue(step, STEP_RANGE.smallest, STEP_RANGE.largest);
  // Clipping by XNNPACK may turn a NaN into a bound.
  return tf.where(tf.isNaN(step), step, clamped);
}

/** 2 mean|x| / sqrt(qp); where every |x| is one number and qp is 1, that number, since x / s = 1/2 rounds to 0. */
function lsqStep(x: tf.Tensor, others: number[], qp: number): tf.Tensor {
  const magnitudes = tf.abs(x);
  const step = tf.mul(tf.mean(magnitudes, others), 2 / Math.sqrt(qp));
  const largest = tf.max(magnitudes, others);
  // A little above 1/2, because the mean is rounded.
  return tf.where(tf.lessEqual(largest, tf.mul(step, 0.50001)), largest, step);
}

function threeSigmaStep(x: tf.Tensor, others: number[], levels: number): tf.Tensor {
  const { mean, variance } = tf.moments(x, others);
  const sigma = tf.mul(tf.sqrt(variance), 3);
  const step = tf.div(tf.maximum(tf.abs(tf.sub(mean, sigma)), tf.abs(tf.add(mean, sigma))), levels);
  // The deviation of an infinity is NaN.
  const largest = tf.max(tf.abs(x), others);
  return tf.where(tf.isInf(largest), largest, step);
}

/** Slices that have converged are kept as they are, so that each stops by its own criterion. */
function fixedPointStep(x: tf.Tensor, others: number[], shape: number[], qn: number, qp: number): tf.Tensor {
  const total = (values: tf.Tensor) => tf.reshape(tf.sum(values, others), shape);
  const readable = tf.getBackend() !== 'webgpu';
  let step: tf.Tensor = clampStep(tf.div(tf.reshape(tf.max(tf.abs(x), others), shape), qp));
  let moving: tf.Tensor = tf.onesLike(step);
  for (let round = 0; round < MSE.rounds; round++) {
    const [next, still] = tf.tidy(() => {
      const q = tf.round(tf.clipByValue(tf.div(x, step), qn, qp));
      const power = total(tf.square(q));
      const fitted = tf.div(total(tf.mul(x, q)), power);
      const change = tf.abs(tf.sub(fitted, step));
      const usable = tf.logicalAnd(tf.greater(power, 0), tf.cast(moving, 'bool'));
      const goesOn = tf.logicalAnd(usable, tf.greaterEqual(change, tf.mul(step, MSE.relativeChange)));
      return [tf.where(usable, fitted, step), tf.cast(goesOn, 'float32')];
    });
    tf.dispose([step, moving]);
    step = next!;
    moving = still!;
    // Reading is cheap where memory is shared, and would stall a GPU.
    if (readable && tf.max(moving).dataSync()[0] === 0) break;
  }
  return step;
}
