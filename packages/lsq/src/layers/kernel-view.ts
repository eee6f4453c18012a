import * as tf from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { type FakeQuantOptions, fakeQuant } from '../quantizer/fake-quant';
import type { LearnedStep } from './learned-step';
import type { WeightSettings } from './settings';

/**
 * A kernel as a quantized layer computes with it. While the layer is called, the kernel's variable reads as the
 * fake-quantized kernel, however the layer gets at it (a field, an array, `getWeights()`). At all other times it reads as
 * the latent kernel, which is what training updates.
 */
export class KernelView {
  /** Lets the layer compute with the latent kernel as it is. */
  bypass = false;
  /** What the layer adds to ŵ in its calls, of the kernel's shape; not part of `dequantized()`. */
  perturbation: tf.Variable | null = null;
  /** Whether a call of the layer is under way. */
  held = false;
  readonly latent: tf.Variable;
  private wasRead = false;
  readonly options: FakeQuantOptions;

  constructor(
    readonly latentWeight: LayerVariable,
    readonly learnedStep: LearnedStep,
    readonly axis: number | null,
    readonly settings: WeightSettings,
  ) {
    this.latent = latentWeight.read() as tf.Variable;
    const { bits, narrow, boundary, gradientScale, stepScale } = settings;
    this.options = {
      bits,
      signed: true,
      narrow,
      axis,
      boundary,
      gradientScale,
      stepLearningRateMultiplier: stepScale === 'absolute' ? settings.stepLearningRateMultiplier : 1,
    };
  }

  /** Until `release`, reading the kernel gives ŵ, one and the same tensor: a recurrent layer reads at every time step. */
  hold(): void {
    this.held = true;
    const quantized = this.bypass ? this.latent : this.dequantized();
    const value = this.perturbation ? tf.add(quantized, this.perturbation) : quantized;
    this.latentWeight.read = () => {
      this.wasRead = true;
      return value;
    };
  }

  release(): void {
    this.held = false;
    delete (this.latentWeight as Partial<LayerVariable>).read;
  }

  /** Throws an Error if no call has read the kernel so far: the layer then computes with what no quantizer has seen. */
  requireRead(layer: string): void {
    if (!this.wasRead)
      throw new Error(
        `QuantizedLayer: layer ${layer} has been called and has not read its kernel ${this.originalName} with read(), so that it cannot be quantized; read it so in call(), or leave the layer in float: quantizeModel(model, { overrides: { '${layer}': null } })`,
      );
  }

  /** ŵ of the values now stored, a new tensor. */
  dequantized(): tf.Tensor {
    return tf.tidy(() => fakeQuant(this.latent, this.learnedStep.read(), this.options));
  }

  /** s; training moves it through the weights of `learnedStep`. */
  get step(): tf.Variable {
    return this.learnedStep.step;
  }

  get shape(): number[] {
    return this.latentWeight.shape as number[];
  }

  get originalName(): string {
    return this.latentWeight.originalName;
  }

  get trainable(): boolean {
    return this.latentWeight.trainable;
  }

  /** Sets the latent kernel as it is, past a constraint that it may have. */
  write(value: tf.Tensor): void {
    this.latent.assign(value);
  }
}
