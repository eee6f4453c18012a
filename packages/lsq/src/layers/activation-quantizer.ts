import * as tf from '@tensorflow/tfjs-core';
import { LayerVariable } from '@tensorflow/tfjs-layers';
import { type FakeQuantOptions, fakeQuant, fakeQuantWithOffset } from '../fake-quant';
import { initialStep, initialStepAndOffset, STEP_RANGE } from '../step-size';
import type { ActivationSettings } from './settings';

/**
 * Quantizes the activations that pass a layer, with a learned step and for LSQ+ an offset.
 *
 * Until its first training batch, or `calibrate`, it has no step and lets everything pass as it is. That batch gives it
 * one, as LSQ does (Esser et al. 2020, section 2.1).
 */
export class ActivationQuantizer {
  /** Lets everything pass as it is. */
  bypass = false;
  /** How many batches `calibrate` has shown it so far; null when none is going on. */
  calibrating: number | null = null;
  /** Whether step and offset have been set: by a number, by data or by loading. */
  initialized: boolean;
  readonly step: LayerVariable;
  readonly offset: LayerVariable | null;
  private readonly options: FakeQuantOptions;

  constructor(
    readonly settings: ActivationSettings,
    initialized: boolean,
    prefix: string,
  ) {
    const { bits, signed, boundary, gradientScale, stepLearningRate } = settings;
    this.options = { bits, signed, boundary, gradientScale, stepLearningRate };
    const given = typeof settings.init === 'number' && !settings.offset ? settings.init : null;
    this.initialized = initialized || given !== null;
    this.step = scalarWeight(given ?? 1, `${prefix}step`);
    this.offset = settings.offset ? scalarWeight(0, `${prefix}offset`) : null;
  }

  get weights(): LayerVariable[] {
    return this.offset ? [this.step, this.offset] : [this.step];
  }

  apply(x: tf.Tensor, training: boolean): tf.Tensor {
    if (this.bypass) return x;
    if (this.calibrating !== null) this.observe(x, this.calibrating++);
    else if (training && !this.initialized) this.observe(x, 0);
    if (!this.initialized) return x;
    return this.offset
      ? fakeQuantWithOffset(x, this.step.read(), this.offset.read(), this.options)
      : fakeQuant(x, this.step.read(), this.options);
  }

  /**
   * Sets step and offset to their mean over the batches seen, this one included. A first batch of zeros tells nothing, so
   * that the next one decides; one that is not finite is an error. Webgpu can't be asked at once: `calibrate` checks there.
   */
  private observe(x: tf.Tensor, before: number): void {
    tf.tidy(() => {
      const { init } = this.settings;
      const fresh = this.offset
        ? initialStepAndOffset(x, this.options)
        : { step: initialStep(x, { ...this.options, init }), offset: null };
      if (this.calibrating === null && tf.getBackend() !== 'webgpu') {
        const [step] = fresh.step.dataSync();
        if (!(step! < STEP_RANGE.largest))
          throw new RangeError(
            `${this.step.originalName}: the first batch of activations is NaN or infinite; look for it in the data or the weights`,
          );
        if (step === Math.fround(STEP_RANGE.smallest)) return;
      }
      const mean = (old: tf.Tensor, value: tf.Tensor) =>
        before === 0 ? value : tf.add(old, tf.div(tf.sub(value, old), before + 1));
      this.step.write(mean(this.step.read(), fresh.step));
      if (fresh.offset) this.offset!.write(mean(this.offset!.read(), fresh.offset));
      this.initialized = true;
    });
  }
}

function scalarWeight(value: number, name: string): LayerVariable {
  const initial = tf.scalar(value);
  const weight = new LayerVariable(initial, 'float32', name);
  initial.dispose();
  return weight;
}
