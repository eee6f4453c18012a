import { requireKnownOptions, requireNotNegative, requireOneOf, requirePositive } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { Callback, type LayersModel } from '@tensorflow/tfjs-layers';
import type { KernelView } from '../layers/kernel-view';
import { kernelsOfModel } from '../model/quantized-weights';
import { requireModel } from '../model/require-model';
import { readNow } from '../quantizer/read-now';
import { STEP_RANGE } from '../quantizer/step-size';
import {
  firstOscillations,
  forgetOscillations,
  nextOscillations,
  type Oscillations,
  type TrackingOptions,
} from './track-oscillations';

export interface FreezeOscillatingOptions {
  /** The frequency of oscillations, from 0 to 1, above which a weight is frozen. 0 freezes none and only counts. */
  readonly threshold: number;
  /** m of the moving averages. Default 0.01. */
  readonly momentum?: number;
  /** Kernels of more bits are left alone. Default 4. */
  readonly maxBits?: number;
  /** How many training steps to count before anything is frozen. Default 0. */
  readonly start?: number;
  /** The code to freeze at: the nearest to the moving average of a weight's codes, the default, or its last one. */
  readonly freezeAt?: 'average' | 'last';
}

/** Counts and freezes oscillating weights: among the callbacks of `fit`, or by `update()` in a loop of your own. */
export interface OscillationFreezer extends Callback {
  /** Read in every step, so that it can be changed while training goes on. */
  threshold: number;
  /** How many weights are frozen. On webgpu, where values can't be read at once, NaN: `oscillations(model)` tells. */
  readonly frozen: number;
  /** How often each weight of a kernel oscillates, by the path of its layer or its name: a new tensor of its shape. */
  frequency(kernel: string): tf.Tensor;
  /** Call it after every training step. */
  update(): void;
  /** Ends counting and frees its tensors. Frozen weights stay where they are until they are trained again. */
  finish(): void;
}

/** The counts kept of the kernels of quantized models, for `oscillations`, and their owner. */
const counted = new WeakMap<KernelView, Oscillations>();
const counters = new WeakMap<KernelView, OscillationFreezer>();

/**
 * Counts how often the codes of quantized weights oscillate, and freezes weights that do so more often than a threshold
 * (Nagel et al., "Overcoming Oscillations in Quantization-Aware Training", ICML 2022). For each weight, once
 * per training step:
 *
 *     o = [q has changed] and in the direction opposite to its last change, however long ago that was
 *     f ← m o + (1 - m) f                       from 0
 *     where f > threshold > 0: frozen for good at the code round(ema), ŵ = code · s
 *     ema ← m q + (1 - m) ema                   from the first q with a threshold above 0
 *
 * A frozen weight gets no gradient; its step does. Its latent value is set to code · s after every step, so that a model
 * can be saved at any time, whatever momentum or weight decay do to it. Evaluation counts nothing, and the two passes of
 * `sharpnessAware` count once.
 *
 * The authors lower the threshold along a cosine from 0.04 to 0.01, from a quarter of the training on:
 * `anneal(freezer, 'threshold', annealed({ from: 0.04, to: 0.01, total: steps, start: steps / 4 }), 'batch')` with
 * `start: steps / 4`. Until `finish()` it holds five tensors and a mask of the size of each kernel.
 *
 * @throws RangeError if the model has no quantized kernels of at most maxBits, a number doesn't fit, or an option is
 * unknown
 * @throws TypeError if `model` is no LayersModel
 */
export function freezeOscillating(model: LayersModel, options: FreezeOscillatingOptions): OscillationFreezer {
  const name = 'freezeOscillating';
  requireModel(name, model);
  requireKnownOptions(name, options, ['threshold', 'momentum', 'maxBits', 'start', 'freezeAt']);
  const { threshold, momentum = 0.01, maxBits = 4, start = 0, freezeAt = 'average' } = options ?? {};
  requireNotNegative(name, { threshold, start });
  requirePositive(name, { momentum, maxBits });
  if (momentum > 1) throw new RangeError(`${name}: momentum must be at most 1, got ${momentum}`);
  requireOneOf(name, 'freezeAt', freezeAt, ['average', 'last']);
  const kernels = kernelsOfModel(name, model).filter(({ view }) => view.options.bits <= maxBits);
  if (kernels.length === 0)
    throw new RangeError(`${name}: no quantized kernel has ${maxBits} bits or fewer; raise maxBits`);
  return new Freezer(kernels, { threshold, momentum, freezeAt }, start);
}

/** The counts kept of a kernel, or undefined. */
export function oscillationsOf(view: KernelView): Oscillations | undefined {
  return counted.get(view);
}

class Freezer extends Callback implements OscillationFreezer {
  threshold: number;
  private steps = 0;

  constructor(
    private readonly kernels: readonly { readonly view: KernelView; readonly path: string }[],
    private readonly options: TrackingOptions,
    private readonly start: number,
  ) {
    super();
    this.threshold = options.threshold;
  }

  /** Takes the codes that the first step starts from. */
  override async onTrainBegin(): Promise<void> {
    this.requireAlone();
    for (const { view } of this.kernels) if (!counted.has(view)) this.count(view, this.start > 0 ? 0 : this.threshold);
  }

  override async onBatchEnd(): Promise<void> {
    this.update();
  }

  update(): void {
    this.requireAlone();
    const threshold = this.steps++ < this.start ? 0 : this.threshold;
    for (const { view } of this.kernels) this.count(view, threshold);
  }

  private count(view: KernelView, threshold: number): void {
    const options = { ...this.options, threshold };
    const known = counted.get(view);
    const codes = view.viewedCodes();
    const next = known ? nextOscillations(known, codes, options) : firstOscillations(codes, options);
    codes.dispose();
    counted.set(view, next);
    counters.set(view, this);
    view.frozen = next.frozen ?? null;
    if (known) forgetOscillations(known);
    if (next.frozen) tf.tidy(() => view.write(settled(view)));
  }

  private requireAlone(): void {
    const other = this.kernels.find(({ view }) => (counters.get(view) ?? this) !== this);
    if (other)
      throw new RangeError(
        `freezeOscillating: ${other.view.originalName} is counted by another freezer; call its finish() first, or use that one`,
      );
  }

  get frozen(): number {
    const masks = this.kernels.flatMap(({ view }) => view.frozen?.mask ?? []);
    return masks.reduce((sum, mask) => {
      const count = tf.tidy(() => tf.sum(tf.cast(mask, 'float32')));
      const [value = Number.NaN] = readNow(count) ?? [];
      count.dispose();
      return sum + value;
    }, 0);
  }

  frequency(kernel: string): tf.Tensor {
    const found = this.kernels.find(({ view, path }) => path === kernel || view.originalName === kernel);
    if (!found)
      throw new RangeError(
        `frequency: no kernel is called ${kernel}; there are ${this.kernels.map(({ view }) => view.originalName).join(', ')}`,
      );
    const { view } = found;
    const known = counted.get(view);
    return known ? tf.reshape(known.frequency, view.shape) : tf.zeros(view.shape);
  }

  finish(): void {
    for (const { view } of this.kernels) {
      if (counters.get(view) !== this) continue;
      const known = counted.get(view);
      view.frozen = null;
      counted.delete(view);
      counters.delete(view);
      if (known) forgetOscillations(known);
    }
    this.steps = 0;
  }
}

/** The latent kernel with code · s where a weight is frozen. */
function settled(view: KernelView): tf.Tensor {
  const { mask, codes } = view.frozen!;
  const s = tf.maximum(tf.abs(view.step), STEP_RANGE.smallest);
  return tf.reshape(tf.where(mask, tf.mul(codes, s), view.viewed()), view.shape);
}
