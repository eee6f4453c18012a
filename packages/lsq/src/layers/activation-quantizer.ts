import * as tf from '@tensorflow/tfjs-core';
import { LayerVariable } from '@tensorflow/tfjs-layers';
import { type FakeQuantOptions, fakeQuant, fakeQuantWithOffset, resolveAxis, stepShape } from '../quantizer/fake-quant';
import { codeRange } from '../quantizer/grid';
import { readNow } from '../quantizer/read-now';
import { initialStep, initialStepAndOffset, STEP_RANGE } from '../quantizer/step-size';
import { JoinedStarts, type Start } from './joined-starts';
import { LearnedStep, onAssign } from './learned-step';
import type { ActivationSettings } from './settings';

interface Calibration {
  readonly starts: JoinedStarts;
  size: number;
}

/** Elements that a start by 'mse' looks at: each of its rounds reads them a dozen times. */
const SAMPLE = 2 ** 16;
/** (√5 - 1) / 2: its multiples modulo 1 lie evenly, and keep step with no axis of a tensor. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Quantizes the activations that pass a layer, with a learned step and for LSQ+ an offset.
 *
 * Until its first training batch, or `calibrate`, its step is 0 and activations pass unchanged. That batch sets the step, as
 * in LSQ (Esser et al. 2020, section 2.1). The weight alone says whether the step is set, so that `setWeights`, loading and
 * copying carry that along.
 */
export class ActivationQuantizer {
  /** Lets activations pass unchanged. */
  bypass = false;
  private readonly learnedStep: LearnedStep;
  /** β, under a relative scale β / s₀. */
  private readonly offset: LayerVariable | null;
  private readonly options: FakeQuantOptions;
  /** Whether there is a step; null where the weights were written and have not been read since. */
  private hasStep: boolean | null = false;
  private writes = 0;
  private told = false;
  private calibration: Calibration | null = null;

  /**
   * @param owner the name of the layer, for messages
   * @param inputShape what goes into the layer, unless all of it has one step
   */
  constructor(
    readonly settings: ActivationSettings,
    prefix: string,
    private readonly owner: string,
    inputShape: readonly (number | null)[] = [],
  ) {
    const { bits, signed, boundary, gradientScale, stepScale } = settings;
    const axis = resolveAxis(`layer ${owner}`, settings.axis ?? null, inputShape.length);
    if (axis !== null && inputShape[axis] === null)
      throw new RangeError(
        `layer ${owner}: axis ${settings.axis} of its input [${inputShape.map(String)}] has no fixed length, and each index needs a step`,
      );
    const shape = stepShape(inputShape as number[], axis);
    const multiplier = settings.stepLearningRateMultiplier;
    this.options = {
      bits,
      signed,
      axis,
      boundary,
      gradientScale,
      stepLearningRateMultiplier: stepScale === 'absolute' ? multiplier : 1,
    };
    const given = typeof settings.init === 'number' && !settings.offset ? settings.init : 0;
    const [step, zero] = [tf.fill(shape, given), tf.zeros(shape)];
    this.learnedStep = new LearnedStep(step, stepScale, multiplier, (role) => ({ name: prefix + role }));
    const offsetName = `${prefix}${stepScale === 'relative' ? 'relative_' : ''}offset`;
    this.offset = settings.offset ? new LayerVariable(zero, 'float32', offsetName) : null;
    tf.dispose([step, zero]);
    this.hasStep = given > 0;
    const decisive = this.learnedStep.start ?? this.learnedStep.learned;
    onWrite(decisive, () => this.look());
    // Copying assigns. So does training, which takes no step away.
    onAssign(decisive.read() as tf.Variable, () => this.hasStep || this.look());
  }

  /** The weights that the layer is saved with. */
  get weights(): LayerVariable[] {
    return this.offset ? [...this.learnedStep.weights, this.offset] : this.learnedStep.weights;
  }

  /** The weights that training changes. */
  get learned(): LayerVariable[] {
    return this.offset ? [this.learnedStep.learned, this.offset] : [this.learnedStep.learned];
  }

  /** s, 0 before it is set. */
  get step(): tf.Variable {
    return this.learnedStep.step;
  }

  /**
   * Whether a number, data or loading has set the step. null where only some of several are set, and where only `settled`
   * can tell, which waits for the GPU.
   */
  get initialized(): boolean | null {
    if (this.hasStep === null) {
      const values = readNow(this.step);
      if (values) this.hasStep = allSet(values);
    }
    return this.hasStep;
  }

  async settled(): Promise<boolean> {
    return this.initialized ?? (await this.step.data()).some((value) => value !== 0);
  }

  /**
   * The steps, 0 where none is set, and β, 0 where none is learned: a value each, or one for every index of an axis of the
   * input.
   */
  async values(): Promise<{
    readonly steps: Float32Array;
    readonly offsets: Float32Array;
    readonly axis: number | null;
  }> {
    const shift = this.shift();
    const [steps, offsets] = await Promise.all([this.step.data(), shift.data()]);
    shift.dispose();
    return { steps: steps as Float32Array, offsets: offsets as Float32Array, axis: this.options.axis ?? null };
  }

  /** The codes, as float32, of what `apply` gave. */
  codesOf(quantized: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const step = tf.maximum(tf.abs(this.step), STEP_RANGE.smallest);
      return tf.round(tf.div(tf.sub(quantized, this.shift()), step));
    });
  }

  apply(x: tf.Tensor, training: boolean): tf.Tensor {
    if (this.bypass) return x;
    if (this.calibration) this.observe(x, this.calibration);
    else if (training && !this.initialized) this.start(x);
    const { initialized } = this;
    if (initialized === false) {
      if (!training && !this.calibration) this.tell();
      return x;
    }
    const quantized = this.offset
      ? fakeQuantWithOffset(x, this.learnedStep.read(), this.readOffset(this.offset), this.options)
      : fakeQuant(x, this.learnedStep.read(), this.options);
    return initialized ? quantized : tf.where(tf.equal(this.step, 0), x, quantized);
  }

  /** From now on starts anew from the batches seen together, until `endCalibration`. */
  startCalibration(): void {
    this.calibration = {
      size: 0,
      starts: new JoinedStarts(this.settings.init === 'mse' ? codeRange(this.options) : null, this.step.shape),
    };
  }

  /** Sets the number of examples in the next batch. */
  nextBatch(size: number): void {
    this.calibration!.size = size;
  }

  /** Gives the number of examples that set the step: those of batches that were zero throughout tell nothing. */
  endCalibration(): Promise<number> {
    const { starts } = this.calibration!;
    this.calibration = null;
    return starts.end();
  }

  private observe(x: tf.Tensor, { starts, size }: Calibration): void {
    tf.tidy(() => {
      starts.add(this.fresh(x), size);
      const { some, ...start } = starts.current();
      this.set(start, some);
    });
  }

  /**
   * Starts from a batch of activations. A batch of zeros sets no step, so the next one does; a batch that is not finite
   * is an error. Where values can't be read at once the first is left to the GPU and the second to `calibrate`.
   */
  private start(x: tf.Tensor): void {
    tf.tidy(() => {
      const fresh = this.fresh(x);
      if (readNow(fresh.step)?.some((value) => !(value < STEP_RANGE.largest)))
        throw new RangeError(
          `@qgen/lsq: the input of layer ${this.owner} is NaN or infinite in its first batch, so that its step cannot be set; look for NaN in the data or the weights`,
        );
      const unset = tf.logicalAnd(tf.equal(this.step, 0), tf.notEqual(fresh.step, STEP_RANGE.smallest));
      this.set(fresh, unset);
    });
  }

  private set({ step, offset }: Start, where?: tf.Tensor): void {
    this.learnedStep.set(step, where);
    if (!this.offset) return;
    const { start } = this.learnedStep;
    const value = start ? tf.div(offset, tf.maximum(start.read(), STEP_RANGE.smallest)) : offset;
    this.offset.write(where ? tf.where(where, value, this.offset.read()) : value);
  }

  private fresh(x: tf.Tensor): Start {
    const { init, bits, signed, offset } = this.settings;
    const { axis = null } = this.options;
    // Within a custom gradient nothing is kept for a derivative, of which there is none here.
    const found = tf.customGrad((...inputs: unknown[]) => {
      const x = inputs[0] as tf.Tensor;
      const seen = init === 'mse' && axis === null && x.size > SAMPLE ? sampled(x) : x;
      const started = offset
        ? initialStepAndOffset(seen, { bits, signed, init })
        : { step: initialStep(seen, { bits, signed, axis, init }), offset: tf.zeros(this.step.shape) };
      return { value: tf.stack([started.step, started.offset]), gradFunc: () => tf.zerosLike(x) };
    })(x);
    const [step, start] = tf.unstack(found) as [tf.Tensor, tf.Tensor];
    return { step, offset: start };
  }

  /** β, with a gradient to what is trained: that of β over s₀ under a relative scale, as for the step. */
  private readOffset(offset: LayerVariable): tf.Tensor {
    const { start } = this.learnedStep;
    if (!start) return offset.read();
    return tf.customGrad((...inputs: unknown[]) => ({
      value: tf.mul(inputs[0] as tf.Tensor, start.read()),
      gradFunc: (dy: tf.Tensor) => tf.div(dy, tf.maximum(start.read(), STEP_RANGE.smallest)),
    }))(offset.read());
  }

  /** β, or zeros in its place. */
  private shift(): tf.Tensor {
    const { offset } = this;
    return tf.tidy(() => (offset ? tf.clone(this.readOffset(offset)) : tf.zerosLike(this.step)));
  }

  private tell(): void {
    if (!this.told) passesInFloat(this.owner);
    this.told = true;
  }

  private look(): void {
    this.hasStep = null;
    const write = ++this.writes;
    const see = (values: tf.TypedArray) => {
      if (write === this.writes) this.hasStep = allSet(values);
    };
    // What is disposed of before its value arrives is not asked again.
    this.step.data().then(see, () => {});
  }

  /** Frees the tensors that are no weights of the layer. */
  dispose(): void {
    this.learnedStep.dispose();
  }
}

/** Whether every step is set; null where only some are. */
function allSet(values: tf.TypedArray): boolean | null {
  return values.every((value) => value !== 0) || (values.some((value) => value !== 0) ? null : false);
}

/** Elements from everywhere in a tensor, the same in every call. */
function sampled(x: tf.Tensor): tf.Tensor {
  const places = Int32Array.from({ length: SAMPLE }, (_, i) => Math.floor(((i * GOLDEN) % 1) * x.size));
  return tf.gather(tf.reshape(x, [-1]), tf.tensor1d(places, 'int32'));
}

/** Calls `then` when a layer's weight is written, as by setWeights and by loaders; training assigns to its variable. */
function onWrite(weight: LayerVariable, then: () => void): void {
  const write = weight.write.bind(weight);
  weight.write = (value) => {
    write(value);
    then();
    return weight;
  };
}

const owners = new Set<string>();

/** Says, for all layers of a prediction at once, that what goes into them is not quantized. */
function passesInFloat(owner: string): void {
  if (owners.size === 0)
    queueMicrotask(() => {
      console.warn(
        `@qgen/lsq: the input of ${[...owners].join(', ')} is not quantized yet, because no data have set its step; train the model or call calibrate(model, xs)`,
      );
      owners.clear();
    });
  owners.add(owner);
}
