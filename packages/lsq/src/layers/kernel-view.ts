import * as tf from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { type FakeQuantOptions, fakeQuant, integerCodes } from '../quantizer/fake-quant';
import { type FrozenCodes, fakeQuantFrozen } from '../quantizer/frozen-codes';
import type { LearnedStep } from './learned-step';
import type { WeightSettings } from './settings';
import { type StepView, spreadOverKernel } from './step-view';

/**
 * A kernel as a quantized layer computes with it. While the layer is called, the kernel's variable reads as the
 * fake-quantized kernel, however the layer gets at it (a field, an array, `getWeights()`). At all other times it reads as
 * the latent kernel, which is what training updates.
 */
export class KernelView {
  /** Lets the layer compute with the latent kernel as it is. */
  bypass = false;
  /** A tensor that the layer adds to ŵ in its calls, of the kernel's shape; not part of `dequantized()`. Frozen weights stay. */
  perturbation: tf.Variable | null = null;
  /** Which weights keep the code that they have, in the shape of the step view; whoever sets it disposes it. */
  frozen: FrozenCodes | null = null;
  /** Whether a call of the layer is under way. */
  held = false;
  readonly latent: tf.Variable;
  private wasRead = false;
  readonly options: FakeQuantOptions;

  constructor(
    readonly latentWeight: LayerVariable,
    readonly learnedStep: LearnedStep,
    readonly view: StepView,
    readonly settings: WeightSettings,
  ) {
    this.latent = latentWeight.read() as tf.Variable;
    const { bits, narrow, boundary, gradientScale, stepScale } = settings;
    this.options = {
      bits,
      signed: true,
      narrow,
      axis: view.axis,
      boundary,
      gradientScale,
      stepLearningRateMultiplier: stepScale === 'absolute' ? settings.stepLearningRateMultiplier : 1,
    };
  }

  /** Until `release`, reading the kernel gives ŵ, one and the same tensor: a recurrent layer reads at every time step. */
  hold(): void {
    this.held = true;
    const quantized = this.bypass ? this.latent : this.dequantized();
    const value = this.perturbation ? this.perturbed(quantized, this.perturbation) : quantized;
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
    return tf.tidy(() => {
      const latent = this.viewed();
      const step = this.learnedStep.read();
      const quantized = this.frozen
        ? fakeQuantFrozen(latent, step, this.frozen, this.options)
        : fakeQuant(latent, step, this.options);
      return tf.reshape(quantized, this.shape);
    });
  }

  /** The latent kernel in the shape of the step view, in which `options.axis` counts; a new tensor. */
  viewed(): tf.Tensor {
    return tf.reshape(this.latent, [...this.view.shape]);
  }

  /** q, int32, in the shape of the step view: a new tensor. */
  viewedCodes(): tf.Tensor {
    return tf.tidy(() => {
      const codes = integerCodes(this.viewed(), this.step, this.options);
      return this.frozen ? tf.where(this.frozen.mask, tf.cast(this.frozen.codes, 'int32'), codes) : codes;
    });
  }

  /** q, int32, in the shape of the kernel: a new tensor. */
  codes(): tf.Tensor {
    return tf.tidy(() => tf.reshape(this.viewedCodes(), this.shape));
  }

  /** A tensor of the step's shape in one that broadcasts to the kernel: a new tensor. */
  overKernel(steps: tf.Tensor): tf.Tensor {
    return spreadOverKernel(steps, this.view, this.shape);
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

  private perturbed(kernel: tf.Tensor, by: tf.Tensor): tf.Tensor {
    if (!this.frozen) return tf.add(kernel, by);
    return tf.add(kernel, tf.where(tf.reshape(this.frozen.mask, this.shape), tf.zerosLike(by), by));
  }
}
